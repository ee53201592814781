"""What stored images cost, and whose they are."""
