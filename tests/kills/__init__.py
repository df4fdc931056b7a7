"""SIGKILL at random moments of a bundle and of its upload, on either side."""
