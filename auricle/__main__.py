"""`python -m auricle` is the command `auricle`."""

from auricle.cli import app

app()
