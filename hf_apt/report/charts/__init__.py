"""What the charts of a page say of themselves: receipts of their values, and their numbers."""
