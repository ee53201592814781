"""Find a lifecycle policy that keeps what has to be kept, for a stretch of time and a burst of pushes, and frees the most."""
