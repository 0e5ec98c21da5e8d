"""Parts of a training as the command line spells them, one kind a file."""
