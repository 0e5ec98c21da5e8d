"""Image classifiers read at every depth, by the counts that serve tokens."""
