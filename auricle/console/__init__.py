"""The web console: pages that are files, which talk to the server's own HTTP API and to nothing else."""
