"""A head over pairs of masked words: which pairs, which words, the head, its file and its term."""
