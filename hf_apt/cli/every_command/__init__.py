"""What every command has: a file of options, and the form of what it prints."""
