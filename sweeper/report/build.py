"""This module puts a report together from the records of one sweep or of several."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sweeper.report.section import Page, Section
from sweeper.report.sections.device_time import device_time, timeline
from sweeper.report.sections.learning_curves import learning_curves
from sweeper.report.sections.mistakes import mistakes
from sweeper.report.sections.parameters import importance, parallel, values
from sweeper.report.sections.provenance import provenance
from sweeper.report.sections.score_and_cost import score_and_cost
from sweeper.report.sections.side_by_side import side_by_side
from sweeper.report.sections.study_figures import networks, pixels, published
from sweeper.report.sections.words import in_words, subtitle
from sweeper.results.answer import Cards, answer
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.render_json import merged
from sweeper.wording import plain


def build_report(
    boards: Sequence[Leaderboard], answers: Mapping[str, Cards] | None = None, now: float | None = None
) -> Page:
    """Make the report of one sweep, or of several side by side, as their records are now.

    SpecError where several rank by different metrics. `answers` are
    those of the sweeps by name, where they are known already, and `now` is the time that the report bears.
    """
    dated = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    answers = answers or {board.sweep.name: answer(board) for board in boards}
    if len(boards) == 1:
        (board,) = boards
        sections = list(_sections(board, answers[board.sweep.name]))
    else:
        sections = [side_by_side(boards)]
        for board in boards:
            sections += [_of(board, section) for section in _sections(board, answers[board.sweep.name])]
    names = ", ".join(plain(board.sweep.name) for board in boards)
    facts = {name: merged(tuple(cards.values())) for name, cards in answers.items()}
    return Page(names, plain(subtitle(boards)), sections, facts, dated)


def _sections(board: Leaderboard, cards: Cards) -> Iterator[Section]:
    """Yield what there is to say of one sweep, in the order of a reader's questions."""
    yield in_words(cards)
    yield score_and_cost(board)
    yield learning_curves(board)
    yield parallel(board)
    yield importance(board)
    yield values(board)
    for made in (pixels(board), networks(board), published(cards)):
        if made is not None:
            yield made
    yield device_time(board)
    yield timeline(board)
    yield mistakes(board)
    yield provenance(board)


def _of(board: Leaderboard, section: Section) -> Section:
    name = plain(board.sweep.name)
    return replace(section, key=f"{name}-{section.key}", title=f"{name}: {section.title}")
