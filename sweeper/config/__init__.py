"""Reads sweep files: YAML, its sections, its parameters, and the messages where it is wrong."""
