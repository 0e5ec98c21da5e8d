"""The words of a benchmark, asked of a model at every depth."""
