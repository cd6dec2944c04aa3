"""The wire and nothing else: what comes in is parsed to a Request, what goes out is rendered from Deltas."""
