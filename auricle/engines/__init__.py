"""What answers a request: one protocol, rival implementations side by side, a table to choose from."""
