"""Where accounts, prices and the ledger lie: SQLite or PostgreSQL, one schema."""
