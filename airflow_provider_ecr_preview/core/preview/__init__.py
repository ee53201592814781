"""One preview: its pages, the images in it, its summary."""
