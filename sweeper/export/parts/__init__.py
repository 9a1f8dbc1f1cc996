"""What the export formats share; a module here registers nothing."""
