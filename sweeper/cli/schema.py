"""`sweeper schema`: what editors and this project's reference page are made of."""

import json

import click

from sweeper.config.json_schema import json_schema, reference


@click.command(epilog="Example:  sweeper schema > sweeper.schema.json")
@click.option("--markdown", is_flag=True, help="Print the reference tables of docs/sweep-file.md instead.")
def command(markdown: bool) -> None:
    """Print the JSON Schema (draft 7) of sweep files.

    An editor with a YAML language server completes and checks a sweep file whose first line is
    `# yaml-language-server: $schema=PATH`.
    """
    click.echo(reference() if markdown else json.dumps(json_schema(), indent=2))
