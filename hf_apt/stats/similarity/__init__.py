"""How alike two sets of states are: arrays only."""
