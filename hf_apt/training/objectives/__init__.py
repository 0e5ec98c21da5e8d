"""Terms that can be added to a Trainer's loss, one a file."""
