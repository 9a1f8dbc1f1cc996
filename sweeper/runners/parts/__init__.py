"""What the runners share; a module here registers nothing."""
