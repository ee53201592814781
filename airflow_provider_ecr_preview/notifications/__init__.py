"""Notifiers that send what a task found or changed."""
