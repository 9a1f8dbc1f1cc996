"""What all pictures share: colors and shapes for the page and for files, and the canvas of those in files."""
