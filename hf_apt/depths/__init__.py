"""Any language model read at every depth, in one pass."""
