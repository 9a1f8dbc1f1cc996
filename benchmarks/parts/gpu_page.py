"""The table of `docs/gpu.md`: what a GPU was measured to do, beside what was aimed at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- figures -->", "<!-- /figures -->"


@dataclass(frozen=True)
class Figure:
    """One row: `value` is None where nothing was measured, and `note` then says why."""

    name: str
    value: float | None
    unit: str
    aim: float | None = None
    at_most: bool = True
    runs: int = 1
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is met; None where there is none, or no figure."""
        if self.value is None or self.aim is None:
            return None
        return self.value <= self.aim if self.at_most else self.value >= self.aim


def table(figures: Sequence[Figure], machine: Mapping[str, str], date: str) -> str:
    """The machine, the day and the versions; then a row for each figure."""
    told = ", ".join(f"{name} {value}" for name, value in machine.items())
    lines = [f"Measured on {date} by `make gpu`: {told}.", ""]
    lines += ["| figure | measured | aim | met | runs |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*lines, *(_row(figure) for figure in figures)])


def _row(figure: Figure) -> str:
    sign = "at most" if figure.at_most else "at least"
    measured = "not measured" if figure.value is None else f"{figure.value:.3g} {figure.unit}"
    if figure.note:
        measured += f": {figure.note}"
    aim = "" if figure.aim is None else f"{sign} {figure.aim:g} {figure.unit}"
    met = {None: "", True: "yes", False: "no"}[figure.is_met]
    return (
        f"| {figure.name} | {measured} | {aim} | {met} | {figure.runs if figure.value is not None else ''} |"
    )


def write(page: Path, figures: Sequence[Figure], machine: Mapping[str, str], date: str) -> None:
    """Put the table between the page's two marks, in place of what stands there."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{page}: no {BEGIN} with {END} after it; put both where the table belongs")
    page.write_text(
        f"{before}{BEGIN}\n{table(figures, machine, date)}\n{END}{after}", encoding="utf-8", newline="\n"
    )
