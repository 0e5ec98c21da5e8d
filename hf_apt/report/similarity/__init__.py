"""How alike the depths are: as a picture, and as a file of any kind."""
