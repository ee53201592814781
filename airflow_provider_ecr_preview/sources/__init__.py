"""Who runs images: one function a service. A source of your own is such a function, too."""
