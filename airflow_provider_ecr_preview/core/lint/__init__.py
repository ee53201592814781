"""Mistakes in lifecycle policies, found offline."""
