"""A portfolio as a small YAML file: configurations that complement each other, and how they were found."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import Field, ValidationError

from sweeper.config.problem import problems, show
from sweeper.config.sections import Strict
from sweeper.config.yaml_document import Document, read_document
from sweeper.errors import Mistakes, SpecError

SHIPPED = "portfolio"
"""What a sweep file calls the one that comes with sweeper."""
NAME = "name"
"""The key of a member that is no parameter."""
LONGEST = 200
"""Characters of a text, and items of a list, that a member may have."""
WIDTH = 104
_FILE = Path(__file__).with_name("portfolio.yaml")


class PortfolioFile(Strict):
    """The file: `members` are configurations, each with what they have in `common`; `made` is for people."""

    portfolio: Literal[1]
    description: str = ""
    made: dict[str, Any] = Field(default={})
    common: dict[str, Any] = Field(default={})
    members: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=100)]

    @property
    def configurations(self) -> list[dict[str, Any]]:
        """The members in whole."""
        return [{**self.common, **member} for member in self.members]

    @property
    def origin(self) -> str:
        """What it says of how it was made, in a line."""
        return ", ".join(f"{key} {_line(value)}" for key, value in self.made.items())


def is_shipped() -> bool:
    """Whether a portfolio comes with this sweeper."""
    return _FILE.is_file()


def read_portfolio(start: str) -> PortfolioFile:
    """Read the one that comes with sweeper, or a file; SpecError with its line for anything but plain values.

    The file may come from a stranger: it is read as a sweep file is, and no variable in it is expanded.
    """
    if start == SHIPPED and not is_shipped():
        problem = "no portfolio comes with this sweeper"
        raise SpecError(problem, hint="name a file (`sweeper portfolio` makes one), or write `random`")
    document = read_document(_FILE if start == SHIPPED else Path(start).expanduser(), {})
    try:
        found = PortfolioFile.model_validate(document.data)
    except ValidationError as error:
        first = problems(error, document.data, PortfolioFile)[0]
        raise _unreadable(document, first) from error
    mistakes = Mistakes()
    for path, configuration in _configurations(found):
        for key, value in configuration.items():
            with mistakes.collected():
                _check(f"{path}.{key}", key, value)
    for mistake in mistakes:
        raise _unreadable(document, mistake)
    return found


def portfolio_text(portfolio: PortfolioFile, comment: Sequence[str]) -> str:
    """Return the file's text; floats are rounded to three digits, and the comment stands above."""
    lines = [f"# {line}".rstrip() for line in comment]
    head = {"portfolio": 1, "description": portfolio.description, "made": portfolio.made}
    lines.append(yaml.safe_dump(head, sort_keys=False, width=WIDTH, allow_unicode=True).rstrip())
    if portfolio.common:
        lines.append(f"common: {_flow(portfolio.common, 2)}")
    lines.append("members:")
    lines += [f"- {_flow(member, 2)}" for member in portfolio.members]
    return "\n".join(lines) + "\n"


def _flow(values: Mapping[str, Any], indent: int) -> str:
    rounded = {key: _rounded(value) for key, value in values.items()}
    text = yaml.safe_dump(rounded, sort_keys=False, default_flow_style=True, width=WIDTH).rstrip()
    return text.replace("\n", "\n" + " " * indent)


def _rounded(value: object) -> object:
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _configurations(found: PortfolioFile) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "common", found.common
    for number, member in enumerate(found.members):
        yield f"members.{number}", member


def _check(path: str, key: str, value: object) -> None:
    if not key.isidentifier():
        raise SpecError(f"{key!r} cannot name a parameter", path=path, hint="use letters, digits and _")
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    if len(items) > LONGEST or not all(map(_is_plain, items)):
        raise SpecError(
            f"found {show(value)}, expected a text, a finite number, or a list of those", path=path
        )
    if key == NAME and not isinstance(value, str):
        raise SpecError(f"found {show(value)}, expected a text", path=path)


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def _unreadable(document: Document, mistake: SpecError) -> SpecError:
    words = f"{mistake.path}: {mistake.problem}" if mistake.path else mistake.problem
    hint = mistake.hint or "`sweeper portfolio` writes such a file; docs/search.md has its form"
    return SpecError(f"no portfolio: {words}", where=document.where(mistake.path), hint=hint)


def _line(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, cast("list[object]", value)))
    return str(value)
