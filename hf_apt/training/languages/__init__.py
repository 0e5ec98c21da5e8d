"""Training on planted languages whose parameters change while it goes on."""
