"""How a sweep file is read: YAML, its sections, its parameters, and what is said where it is wrong."""
