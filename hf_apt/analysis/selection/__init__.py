"""What a generator knows of each token, and what its discriminator tells, block by block."""
