"""The course itself: one folder a chapter. Nothing outside imports it; it is discovered."""
