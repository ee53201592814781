"""The operators, a module for each stage."""
