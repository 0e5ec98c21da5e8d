"""Commands of single studies, a file each."""
