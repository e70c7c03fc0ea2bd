"""Chapter 06: the same autoencoder in PyTorch, and a backward pass of one's own."""
