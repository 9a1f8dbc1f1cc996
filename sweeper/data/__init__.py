"""Images: read from a source once, kept in a store a pixel size, given out as normalized batches."""
