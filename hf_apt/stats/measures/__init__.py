"""What is read off a decoder's answers at every depth, beside the counts: one measure a file."""
