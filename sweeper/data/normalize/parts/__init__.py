"""What the normalizations are made of; a module here registers nothing."""
