"""The arguments that several verbs take, spelled and completed alike."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


def sweep_file(function: F) -> F:
    """Add the argument FILE, passed as `file`. Whether it exists is checked by `load_spec`, in our words."""
    return click.argument("file", type=click.Path())(function)


def sweep_name(function: F) -> F:
    """Add the argument SWEEP, a name in `runs/`, passed as `name` and completed by the shell."""
    return click.argument("name", metavar="SWEEP", shell_complete=complete_sweep)(function)


def one_trial(required: bool = False, **attributes: Any) -> Callable[[F], F]:
    """Make the option `--trial N`, passed as `trial`: a number, or how an id begins."""
    return click.option("--trial", metavar="N", required=required, **attributes)


def overrides(function: F) -> F:
    """Add `-o key.path=value`, any number of them, passed as `overrides`."""
    return click.option(
        "-o",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Override a value of the sweep file, such as -o budget.trials=8. Repeatable.",
    )(function)


def as_json(function: F) -> F:
    """Add `--json`, passed as `as_json`: stdout then holds one JSON document and nothing else."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(function)


def complete_sweep(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the sweeps in `runs/` whose names begin so."""
    from sweeper.results.stored_sweep import sweep_names  # the shell alone asks for it

    return [CompletionItem(name) for name in sweep_names() if name.startswith(incomplete)]
