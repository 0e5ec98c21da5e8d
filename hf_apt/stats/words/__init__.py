"""Figures of words: what a model says of whole words, comparable across tokenizers."""
