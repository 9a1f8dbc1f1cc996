"""What the networks are made of; a module here registers nothing."""
