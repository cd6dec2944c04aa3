"""From what a client sent to samples: source, fetch, decode, tokens."""
