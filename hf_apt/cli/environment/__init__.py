"""What a report of a bug needs to know of the machine."""
