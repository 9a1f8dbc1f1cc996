"""The answer says whether the portfolio that a sweep began with had the winner."""

import json

import pytest

from sweeper.config.spec import parse_spec


@pytest.fixture
def begun(spec):
    """`begun([1, 3])`: a sweep whose portfolio has networks of so many layers."""

    def build(layers):
        written = spec().resolved()
        written["search"] |= {"start": "team.yaml", "members": [{"layers": each} for each in layers]}
        return parse_spec(json.dumps(written))

    return build


def test_a_winner_from_the_portfolio_is_named_so(printed, board, trial, history, begun):
    found = board(history(trial(0, 1, [0.5]), trial(1, 3, [0.9]), trial(2, 5, [0.7])), begun([1, 3]))

    assert "from the portfolio that it began with: configuration 2 of 2 (team.yaml)" in printed(found)


def test_a_winner_of_the_search_is_set_beside_the_portfolios_best(printed, board, trial, history, begun):
    found = board(history(trial(0, 1, [0.5]), trial(1, 3, [0.6]), trial(2, 5, [0.7])), begun([1, 3]))

    assert "found by the search; the best of the portfolio before it: 60.0 %, trial 1" in printed(found)


def test_without_a_portfolio_nothing_is_said_of_one(printed, board, trial, history, spec):
    assert "the portfolio" not in printed(board(history(trial(0, 1, [0.5])), spec()))
