"""Chapter 09: training a sparse autoencoder on the activations of a language model."""
