"""Joint distributions of two masked tokens, and how far they are from independence."""
