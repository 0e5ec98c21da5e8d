"""Several checkpoints measured on one text, which is tokenised once."""
