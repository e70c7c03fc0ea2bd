"""Chapter 10: reading features, with controls."""
