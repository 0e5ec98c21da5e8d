"""Model cards, and all that is sent to the Hub."""
