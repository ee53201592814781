"""Decides about a change of policies, and remembers what was there before."""
