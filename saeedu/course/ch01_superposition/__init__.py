"""Chapter 01: superposition in toy models."""
