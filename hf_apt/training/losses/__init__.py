"""Losses in place of the cross-entropy of a classifier, one a file."""
