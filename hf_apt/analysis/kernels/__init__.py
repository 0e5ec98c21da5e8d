"""The kernel view of fine-tuning: gradients at the start say what fine-tuning will learn."""
