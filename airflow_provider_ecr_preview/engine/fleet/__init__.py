"""Run many previews at the same time, at a pace that ECR accepts."""
