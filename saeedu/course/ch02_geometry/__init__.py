"""Chapter 02: the geometry of superposition."""
