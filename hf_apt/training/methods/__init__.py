"""Methods of fine-tuning that act through a callback of the Trainer, one a file."""
