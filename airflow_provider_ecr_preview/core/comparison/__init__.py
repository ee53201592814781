"""Several policies compared over the same repositories."""
