"""The anchor vector: how linear the log-partition of a language model is in its last state."""
