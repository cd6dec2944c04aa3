"""How well questions about audio are answered."""
