"""Fuzzing, run by `make fuzz` and not by `make test`: mutated files against a server, mutated bytes against parsers."""
