"""How a sweep is driven: from its file to its folder, its process, and its resumption."""
