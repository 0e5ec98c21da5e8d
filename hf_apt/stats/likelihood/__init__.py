"""How likely sentences are by what a language model says at each depth: arrays only."""
