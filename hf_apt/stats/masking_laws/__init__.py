"""How often each token is masked, and by which knowledge of it."""
