"""What a contrast of classes is made of: features of a classifier's head, and a memory of them."""
