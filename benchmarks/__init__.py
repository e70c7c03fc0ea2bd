"""Measurements, as ratios or medians; run by hand, never by a test."""
