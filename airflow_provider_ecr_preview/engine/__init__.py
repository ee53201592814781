"""The work that tasks do through a hook."""
