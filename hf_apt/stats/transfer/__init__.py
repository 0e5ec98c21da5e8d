"""What predicts the accuracy of a task at a depth, and which depth is enough."""
