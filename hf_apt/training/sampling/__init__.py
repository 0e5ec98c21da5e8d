"""The order in which training examples are read."""
