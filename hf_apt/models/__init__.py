"""Model types of our own, and any checkpoint loaded whole, adapted, moved to its device."""
