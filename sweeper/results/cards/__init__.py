"""The cards, one finding in each file: `(Leaderboard) -> Card | NotYet`, without a terminal or a file."""
