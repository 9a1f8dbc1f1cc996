"""What the schedulers share; a module here registers nothing."""
