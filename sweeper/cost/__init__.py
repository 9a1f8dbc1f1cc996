"""What a sweep costs and will cost."""
