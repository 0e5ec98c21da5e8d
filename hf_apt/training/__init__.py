"""Pre-training, heads and fine-tuning, by transformers' Trainer."""
