"""Many previews at once, at a pace that ECR accepts."""
