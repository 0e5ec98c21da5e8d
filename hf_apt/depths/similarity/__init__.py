"""How alike the states of depths are, of one model or of two."""
