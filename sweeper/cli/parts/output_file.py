"""What `--output` says: a file, or stdout where it is not given."""

from pathlib import Path

import click

from sweeper.errors import SpecError
from sweeper.files import write_atomically


def write_output(content: bytes, output: str | None) -> None:
    """Write the bytes whole; SpecError where the file cannot be written."""
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        write_atomically(Path(output), content)
    except OSError as error:
        raise SpecError(
            f"cannot write there ({error.strerror})", where=output, hint="choose another"
        ) from error
