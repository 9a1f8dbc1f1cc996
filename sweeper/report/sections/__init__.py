"""What a report shows, one file for each subject; each takes the leaderboard and gives sections."""
