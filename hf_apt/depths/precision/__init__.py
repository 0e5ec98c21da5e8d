"""How a measured model multiplies, and what answers a lower precision changes."""
