"""What the page says of one token beyond its figures."""
