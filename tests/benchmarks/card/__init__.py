"""What is timed on a graphics card: the parts of `tests.benchmarks.gpu`."""
