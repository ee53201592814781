"""Decide about policy changes, and remember the former policies."""
