"""What the trackers share; a module here registers nothing."""
