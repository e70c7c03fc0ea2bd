"""Chapter 05: training, dead latents and the trade-off."""
