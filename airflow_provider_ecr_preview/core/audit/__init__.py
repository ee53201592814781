"""Many previews as one audit."""
