"""Chapter 08: a language model from inside, and its activations by the million."""
