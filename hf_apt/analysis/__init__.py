"""What a trained model holds, asked in ways of their own: a folder a question -> a study record."""
