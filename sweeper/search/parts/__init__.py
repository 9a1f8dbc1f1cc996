"""What the searches share; a module here registers nothing."""
