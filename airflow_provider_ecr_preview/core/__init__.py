"""The decisions of the package, which need the standard library only."""
