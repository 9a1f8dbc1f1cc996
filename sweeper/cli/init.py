"""`sweeper init`: a starter sweep file to edit."""

from pathlib import Path

import click

from sweeper.config.sections import DatasetSpec
from sweeper.config.spec import parse_spec
from sweeper.config.starter import guessed_source, starter_text
from sweeper.errors import SpecError
from sweeper.plan.check_objective import fitting_metric


@click.command(epilog="Example:  sweeper init food.yaml --root photos/")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--root", type=click.Path(path_type=Path), help="Folder of the images, a folder a class.")
@click.option("--source", help="Source plug-in, such as digits or image_folder; guessed from --root.")
def command(file: Path, root: Path | None, source: str | None) -> None:
    """Write a starter sweep file.

    An existing file is never overwritten.
    """
    if file.suffix not in (".yaml", ".yml"):
        raise SpecError("expected a name that ends in .yaml", where=str(file), hint=f"try {file}.yaml")
    source = source or guessed_source(root)
    metric, why = fitting_metric(DatasetSpec(source=source, root=str(root) if root else None))
    text = starter_text(file, root, source, metric)
    parse_spec(text, name=str(file))
    try:
        with file.open("x", encoding="utf-8") as handle:
            handle.write(text)
    except FileExistsError:
        raise SpecError("exists already", where=str(file), hint="choose another name, or remove it") from None
    except OSError as error:
        raise SpecError(f"cannot be written: {error.strerror}", where=str(file)) from error
    click.echo(f"wrote {file}, which ranks by {metric} ({why}); next: sweeper validate {file}")
