"""Labelled images: where they are, and how they are divided."""
