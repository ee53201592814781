"""Watch over lifecycle policies: read the events of changes, find the former policies, and judge what changed."""
