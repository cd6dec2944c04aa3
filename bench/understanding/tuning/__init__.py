"""Fits the adapter of auricle/engines/embedded/adapters.py."""
