"""Uses a trial's network after the sweep: it is opened from the record, scored, asked, looked into."""
