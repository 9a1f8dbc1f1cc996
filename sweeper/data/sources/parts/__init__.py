"""What the sources share; a module here registers nothing."""
