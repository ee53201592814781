"""Talks to AWS: what a hook needs to call it well."""
