"""This package creates a sweep from its file, drives it in a process of its own, and resumes it."""
