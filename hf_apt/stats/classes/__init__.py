"""Classifiers judged and corrected by class: prototypes, uneven classes, wrong labels."""
