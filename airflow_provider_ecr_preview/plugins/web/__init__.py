"""The read-only application behind the pages: loaded by the API server at the first request, and nowhere else."""
