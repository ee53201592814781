"""Lifecycle policies: rules, documents, evaluation."""
