"""What a sweep found: read from the record, changed by nothing."""
