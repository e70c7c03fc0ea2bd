"""Chapter 07: the architectures that papers use, built and compared."""
