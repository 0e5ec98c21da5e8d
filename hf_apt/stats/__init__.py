"""Numbers read off counts, features and logits: NumPy, SciPy and scikit-learn, no torch."""
