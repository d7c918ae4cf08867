"""Measurements, read and evaluated with uncertainty."""
