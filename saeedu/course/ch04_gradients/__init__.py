"""Chapter 04: every gradient of the sparse autoencoder, derived and checked by hand."""
