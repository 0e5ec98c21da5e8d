"""The confusion pictures: which tokens they show, in which order, and their counts."""
