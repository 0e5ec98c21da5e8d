"""What the objectives of a generator and its discriminator are made of."""
