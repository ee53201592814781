"""What does the work of a task through a hook."""
