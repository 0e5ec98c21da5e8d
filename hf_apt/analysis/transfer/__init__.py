"""Does APT predict transfer? Predictors of accuracy over checkpoints, blocks and tasks."""
