"""This module writes where the command line says: into a file, into a new one alone, or to stdout."""

from pathlib import Path

import click

from sweeper.errors import SpecError
from sweeper.files import write_atomically


def write_output(content: bytes, output: str | None) -> None:
    """Write all bytes or nothing; SpecError where the file cannot be written."""
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        write_atomically(Path(output), content)
    except OSError as error:
        raise SpecError(
            f"cannot write there ({error.strerror})", where=output, hint="choose another"
        ) from error


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; SpecError where it is, or where it cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as handle:
            handle.write(text)
    except FileExistsError:
        raise SpecError("exists already", where=str(path), hint="choose another name, or remove it") from None
    except OSError as error:
        raise SpecError(f"cannot be written: {error.strerror}", where=str(path)) from error
