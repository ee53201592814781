"""Globs and regular expressions that protect tags, checked before they are used."""
