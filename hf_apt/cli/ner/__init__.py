"""`hf-apt ner`: names found after a few examples."""
