"""Check a clean-up, and decide what it blocks or spares."""
