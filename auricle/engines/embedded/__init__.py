"""The CPU engine: what is said, what is heard, and answers about it, by models in child processes."""
