"""Text from elsewhere, made safe to show: control characters visible, secrets masked."""
