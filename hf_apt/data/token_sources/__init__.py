"""Token ids that another program has made, read as they are."""
