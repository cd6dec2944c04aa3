"""Auricle: Xiaomi MiMo's audio API on hardware that its users own."""

__version__ = "0.1.0"
