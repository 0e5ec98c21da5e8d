"""How smooth the answers of a classifier are in the word embeddings of its texts."""
