"""The page's parts about fine-tuning."""
