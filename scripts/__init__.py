"""Maintainers' scripts; learners need none of them."""
