"""Tables and pairs as lines of text: as wide as their content, so that what is piped on is never cut."""

from collections.abc import Container, Iterable, Iterator, Sequence

import click


def table_lines(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, left: Container[str] = ()
) -> Iterator[str]:
    """One line a row, columns to the right except those in `left`."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for number, line in enumerate(lines):
        cells = zip(header, line, widths, strict=True)
        text = "  ".join(
            cell.ljust(width) if name in left else cell.rjust(width) for name, cell, width in cells
        )
        yield text.rstrip() if number else click.style(text.rstrip(), dim=True)


def pair_lines(pairs: Iterable[tuple[str, str]], *, indent: int = 0) -> Iterator[str]:
    """A name and what is said of it, a line each; an empty name goes on with the line above."""
    told = list(pairs)
    width = max((len(name) for name, _ in told), default=0)
    for name, text in told:
        yield " " * indent + f"{click.style(name, bold=True)}{' ' * (width - len(name))}  {text}".rstrip()
