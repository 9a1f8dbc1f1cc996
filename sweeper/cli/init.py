"""`sweeper init`: a starter sweep file to edit."""

from pathlib import Path

import click

from sweeper.cli.parts.output_file import write_new
from sweeper.config.sections import DatasetSpec
from sweeper.config.spec import parse_spec
from sweeper.config.starter import starter_text
from sweeper.data.first_look import first_look
from sweeper.errors import SpecError
from sweeper.plan.check_objective import fitting_metric
from sweeper.wording import plain


@click.command(epilog="Example:  sweeper init food.yaml --root photos/")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--root", type=click.Path(path_type=Path), help="Folder or Parquet file of the images.")
@click.option("--source", help="Source plug-in, such as digits or image_folder; guessed from --root.")
def command(file: Path, root: Path | None, source: str | None) -> None:
    """Write a starter sweep file.

    An existing file is never overwritten.
    """
    if file.suffix not in (".yaml", ".yml"):
        raise SpecError("expected a name that ends in .yaml", where=str(file), hint=f"try {file}.yaml")
    found = first_look(root, source)
    where = str(found.root) if found.root else None
    metric, why = fitting_metric(DatasetSpec(source=found.source, root=where))
    text = starter_text(file, found.root, found.source, metric)
    parse_spec(text, name=str(file))
    write_new(file, text)
    for line in found.said:
        click.echo(plain(line))
    click.echo(f"wrote {file}, which ranks by {metric} ({why}); next: sweeper validate {file}")
