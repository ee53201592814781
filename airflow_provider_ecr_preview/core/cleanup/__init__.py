"""Check a clean-up, and decide what to block or spare."""
