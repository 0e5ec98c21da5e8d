"""Held-out sentences with one mask each: which are asked, what is answered, which are shown."""
