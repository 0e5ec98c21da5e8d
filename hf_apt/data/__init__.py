"""Text to token ids to masked batches."""
