"""This package says what a sweep found. It reads the record and changes nothing."""
