"""Benchmarks of words: a fixed text with fixed words to fill in, whatever the tokenizer."""
