"""Texts given as strings, as batches of token ids."""
