"""Decides: the standard library alone."""
