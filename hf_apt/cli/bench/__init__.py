"""`hf-apt bench`: its options."""
