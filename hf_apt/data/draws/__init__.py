"""Random numbers that are a pure function of what they are drawn for."""
