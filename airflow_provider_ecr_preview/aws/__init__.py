"""The building blocks of a hook's calls to AWS."""
