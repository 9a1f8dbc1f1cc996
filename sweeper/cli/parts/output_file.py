"""This module writes where `--output` says: into a file, or to stdout without it."""

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
