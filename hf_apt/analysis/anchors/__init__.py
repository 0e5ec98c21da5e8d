"""How linear the log-partition is in the state that enters the output layer, at every depth."""
