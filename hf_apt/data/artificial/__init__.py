"""Artificial corpora: token streams that each hold one property, with exact answers."""
