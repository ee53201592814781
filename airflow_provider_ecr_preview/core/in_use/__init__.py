"""Which images are in use, and which sources must be read to be sure."""
