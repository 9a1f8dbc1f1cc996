"""What a trial's network is good for after the sweep: opened from the record, scored, asked, looked into."""
