"""The same facts for a browser, a README, a program and a spreadsheet."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence

from sweeper.files import write_atomically
from sweeper.report.build import build_report
from sweeper.report.html_page import html_page
from sweeper.report.section import Page, Section
from sweeper.report.sections.score_and_cost import trial_table
from sweeper.results.answer import Cards
from sweeper.results.card import Table
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.render_json import json_text
from sweeper.wording import cell, plain


def written(boards: Sequence[Leaderboard], form: str) -> str:
    """Return the report as text in one of the `FORMS`."""
    return FORMS[form](boards)


def write_report(board: Leaderboard, cards: Cards) -> str:
    """Write the page beside the record, as the end of a launch does; return what went wrong, for people.

    `cards` are the answer, which the caller has worked out already.
    """
    path, page = board.sweep.paths.report, html_page(build_report([board], {board.sweep.name: cards}))
    try:
        write_atomically(path, page)
    except OSError as error:
        return f"no report: {path} cannot be written ({error.strerror})"
    return ""


def trials_csv(boards: Sequence[Leaderboard]) -> str:
    """Return every configuration as a line; no cell begins as a formula."""
    tables = [(board.sweep.name, trial_table(board)) for board in boards]
    columns = list(dict.fromkeys(column for _, table in tables for column in table.columns))
    stream = io.StringIO(newline="")
    lines = csv.writer(stream)
    lines.writerow(["sweep", *columns])
    for name, table in tables:
        for row in table.rows:
            known = dict(zip(table.columns, row, strict=True))
            lines.writerow([cell(name), *(_number_or_cell(known.get(column, "")) for column in columns)])
    return stream.getvalue()


def _number_or_cell(text: str) -> object:
    """Leave a number as it is: a minus before digits is no formula."""
    try:
        float(text)
    except ValueError:
        return cell(text)
    return text


def markdown(report: Page) -> str:
    """Return the report without its pictures: their sentences, and all tables."""
    parts = [
        f"# {_line(report.title)}",
        f"{_line(report.subtitle)}. Written {report.dated} by `sweeper report`.",
    ]
    for section in report.sections:
        parts += [f"## {_line(section.title)}", *_paragraphs(section)]
    return "\n\n".join(parts) + "\n"


def _paragraphs(section: Section) -> Iterator[str]:
    if section.absent:
        yield f"*{_line(section.absent)}*"
    if section.lines:
        yield "\n".join(
            f"- {f'**{_line(line.label)}**: ' if line.label else ''}{_line(line.text)}"
            for line in section.lines
        )
    for drawing in section.drawings:
        yield _line(drawing.said)
        if drawing.table:
            yield _table(drawing.table)
    for table in section.tables:
        yield (f"**{_line(table.title)}**\n\n" if table.title else "") + _table(table)
    yield from (_line(note) for note in section.notes)
    if section.code:
        fence = "`" * (
            3 + max((len(run) for run in section.code.split("\n") if set(run) == {"`"}), default=0)
        )
        yield f"{fence}yaml\n{plain_lines(section.code)}\n{fence}"


def _table(table: Table) -> str:
    head = "| " + " | ".join(map(_line, table.columns)) + " |"
    rule = "|" + "|".join("---" if column in table.left else "---:" for column in table.columns) + "|"
    rows = ["| " + " | ".join(map(_line, row)) + " |" for row in table.rows]
    return "\n".join([head, rule, *rows])


def _line(text: str) -> str:
    """Return text as Markdown shows it: one line, and no sign of it means anything."""
    escaped = "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in plain(text))
    return " ".join(escaped.split())


def plain_lines(text: str) -> str:
    """Return the lines of a file without control characters."""
    return "\n".join(plain(line) for line in text.rstrip().splitlines())


FORMS: Mapping[str, Callable[[Sequence[Leaderboard]], str]] = {
    "html": lambda boards: html_page(build_report(boards)),
    "md": lambda boards: markdown(build_report(boards)),
    "json": lambda boards: json_text(build_report(boards).facts) + "\n",
    "csv": trials_csv,
}
