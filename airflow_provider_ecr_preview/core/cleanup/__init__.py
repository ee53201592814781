"""What a clean-up checks, and why it blocks or spares."""
