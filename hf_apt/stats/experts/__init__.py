"""What the parts of a model know, each by itself: which tokens, and which the others know too."""
