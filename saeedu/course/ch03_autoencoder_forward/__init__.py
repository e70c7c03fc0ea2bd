"""Chapter 03: the autoencoder, forward."""
