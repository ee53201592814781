"""Previews compared with what ECR then did."""
