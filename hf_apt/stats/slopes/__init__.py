"""Slopes of a label's confidence on the mean APT of its input, within classes and free of noise."""
