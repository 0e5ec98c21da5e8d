"""Sentences scored by a language model at every depth."""
