"""The cards, one file a finding: `(Leaderboard) -> Card | NotYet`, without a terminal and without a file."""
