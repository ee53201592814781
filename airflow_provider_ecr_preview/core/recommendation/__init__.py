"""Find the lifecycle policy that frees the most and keeps the required images through time and bursts of pushes."""
