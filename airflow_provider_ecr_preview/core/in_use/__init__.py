"""Which images are in use, and how much of what runs has to be known before that can be said."""
