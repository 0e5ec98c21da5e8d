"""What a model holds for each token outside of its blocks, and which rows were never trained."""
