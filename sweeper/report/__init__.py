"""One page about a sweep that people pass on: all that it found, drawn, with the numbers beside."""
