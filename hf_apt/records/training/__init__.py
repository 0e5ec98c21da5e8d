"""What records say of a training: where its weights are from, and by which methods it was made."""
