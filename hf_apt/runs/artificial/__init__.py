"""Runs of artificial corpora, and what their blocks are worth elsewhere."""
