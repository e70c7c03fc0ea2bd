"""Scripted experiments: each remakes figures of the course, with a JSON of their numbers."""
