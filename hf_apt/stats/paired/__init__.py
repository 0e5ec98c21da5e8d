"""Two measurements of the same asked positions: how they differ, and which tokens make it so."""
