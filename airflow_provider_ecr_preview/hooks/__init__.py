"""The hook, and what it needs to call AWS."""
