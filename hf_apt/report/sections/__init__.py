"""The sections of the page, one a file: a view of a run in, a section or nothing out."""
