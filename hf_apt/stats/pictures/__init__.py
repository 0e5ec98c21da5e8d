"""What pictures of figures have in common."""
