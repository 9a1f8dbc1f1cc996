"""What a sweep would do and cost, before anything is spent: its networks, its paces, and a rehearsal."""
