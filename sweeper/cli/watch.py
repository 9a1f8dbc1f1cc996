"""`sweeper watch`: a running sweep on a screen, from any shell, without touching its driver."""

import sys

import click

from sweeper.cli.parts.followed_sweep import FollowedSweep
from sweeper.cli.parts.options import sweep_name
from sweeper.cli.parts.watch_page import print_snapshot, watch


@click.command(epilog="Example:  sweeper watch digits")
@sweep_name
@click.option("--web", is_flag=True, help="Serve the report on this machine; it loads itself anew.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="For --web. [default: a free one]")
def command(name: str, web: bool, port: int) -> None:
    """Show SWEEP while it runs: trials, best, budgets, failures, what happens; q leaves, keys stop trials.

    It reads the record alone, so it can be opened and left at any time, on the machine that runs the sweep or
    wherever its folder is seen. Without a terminal, or once nobody runs the sweep, it prints one page.
    """
    followed = FollowedSweep.open(name)
    if followed.has_ended:
        print_snapshot(followed, "nobody runs it: this is how it stands")
    elif not web and not sys.stdout.isatty():
        print_snapshot(followed, "no terminal to watch on: this is how it stands now")
    elif web:
        from sweeper.cli.parts.live_page import serve  # imports plotly

        serve(name, port)
    else:
        watch(followed)
        if followed.has_ended:
            print_snapshot(followed, "it has ended")
