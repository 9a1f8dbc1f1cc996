"""`sweeper watch` as a screen: how the sweep stands, what failed, the end of its story, and the keys."""

import time

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from sweeper.cli.parts.followed_sweep import FollowedSweep
from sweeper.cli.parts.requests import order_trial
from sweeper.cli.parts.trial_fate import fate
from sweeper.cli.parts.watch_keys import Keys, TypedOrder, single_keys, typed
from sweeper.errors import SweeperError
from sweeper.results.stored_sweep import next_commands, request, standing_text
from sweeper.trackers.live_picture import picture
from sweeper.wording import plain

SECONDS = 1.0
FAILURES = 3
TAIL = 8
"""Lines of the story at most; a low screen has fewer."""
BESIDE = 12
"""Lines of the screen that are neither running trials nor story: header, budgets, failures, keys."""


def print_snapshot(followed: FollowedSweep, why: str) -> None:
    """Print the page once, for who cannot or need not watch, below a line that says why it stands still."""
    console = Console()
    console.print(Text(why, style="dim"))
    console.print(_page(followed, console.width, rows=12, tail=TAIL))
    click.echo(f"next: {next_commands(followed.sweep.standing, followed.sweep.name)[0]}")


def watch(followed: FollowedSweep) -> None:
    """Show the sweep until somebody leaves or nobody runs it; the terminal is then as it was."""
    console, keys, answer = Console(), Keys(), ""
    with single_keys() as has_keys, Live(console=console, screen=True, auto_refresh=False) as live:
        while not keys.has_left and (followed.look() or followed.sweep.owner):
            free = console.height - BESIDE
            page = _page(followed, console.width, rows=max(2, free // 2), tail=max(2, min(TAIL, free // 2)))
            last = answer or (keys.line if has_keys else "Ctrl-C leaves")
            live.update(Group(page, Text(plain(last), style="reverse", no_wrap=True)), refresh=True)
            if not has_keys:
                time.sleep(SECONDS)
            elif key := typed(SECONDS):
                order = keys.press(key)
                answer = obey(followed, order) if order else ""


def obey(followed: FollowedSweep, order: TypedOrder) -> str:
    """Leave the request for whoever runs the sweep, and return what to say."""
    name = followed.sweep.name
    try:
        if order.trial:
            order_trial(name, order.trial, order.wish)
            return f"asked: {order.wish} trial {order.trial}"
        return "asked: stop the sweep" if request(name, "stop") else "nobody runs the sweep any more"
    except SweeperError as error:
        return " ".join(str(error).split())


def _page(followed: FollowedSweep, width: int, rows: int, tail: int) -> Group:
    sweep, failed = followed.sweep, followed.failed()
    parts: list[RenderableType] = [_line(standing_text(sweep), "dim")]
    parts.append(picture(followed.snapshot(), width, rows))
    parts += [_line(f"trial {t.number}  {fate(t, sweep)}", "red") for t in failed[-FAILURES:]]
    if len(failed) > FAILURES:
        parts.append(_line(f"and {len(failed) - FAILURES} earlier failures", "red"))
    parts += [
        _line(f"trial {t.number}  {fate(t, sweep)}", "yellow") for t in followed.history.held[:FAILURES]
    ]
    parts += [_line(line, "dim") for line in list(followed.lines)[-tail:]]
    return Group(*parts)


def _line(text: str, style: str) -> Text:
    return Text(plain(text), style=style, no_wrap=True, overflow="ellipsis")
