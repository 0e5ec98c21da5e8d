"""What is read off kernels of fine-tuning: predictions, alignment, condition, verdicts."""
