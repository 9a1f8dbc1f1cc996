"""`sweeper ui`: MLflow's UI on the store that sweeps write to, for this machine only."""

import functools

import click

from sweeper.cli.parts.options import complete_sweep
from sweeper.errors import SpecError
from sweeper.launch.tracking import view_of
from sweeper.trackers.parts.ui_server import check_reach, page_of, serve


@click.command(epilog="Example:  sweeper ui digits --port 5001")
@click.argument("sweep", required=False, shell_complete=complete_sweep)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@click.option("--compare", type=click.IntRange(min=2), help="Compare the so many best runs of SWEEP.")
@click.option("--allowed-hosts", metavar="NAMES", help="Host headers to answer; needed for other machines.")
def command(sweep: str | None, host: str, port: int, compare: int | None, allowed_hosts: str | None) -> int:
    """Show MLflow's UI: all runs, or those of SWEEP with the best first. Ctrl-C ends it."""
    check_reach(host, allowed_hosts)
    if compare and sweep is None:
        raise SpecError("--compare needs a sweep", hint="sweeper ui SWEEP --compare 5")
    view = view_of(sweep, compare)
    if view.is_served:
        click.echo(page_of(view.uri, view, view.uri))
        return 0
    return serve(
        view, host, port, allowed_hosts, show=click.echo, note=functools.partial(click.echo, err=True)
    )
