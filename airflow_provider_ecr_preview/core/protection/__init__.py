"""Which tags and images a clean-up never touches, and the globs and patterns that define them."""
