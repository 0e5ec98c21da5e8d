"""When a token is learnt: figures over the steps of a training."""
