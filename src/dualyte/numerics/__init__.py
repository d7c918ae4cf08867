"""Solvers over plain arrays. No physics, no units, no files."""
