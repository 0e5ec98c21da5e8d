"""The sections of a model card, one a file: a run's records in, a section or nothing out."""
