"""The report of a running sweep as a page on this machine, which loads itself anew while the sweep runs."""

import threading
import time
from dataclasses import dataclass, field

import click

from sweeper.cli.parts.answer_page import board_of
from sweeper.report.build import build_report
from sweeper.report.html_page import html_page
from sweeper.results.stored_sweep import stored
from sweeper.trackers.loopback import LoopbackServer

REFRESH_SECONDS = 10
SHARE = 10
"""A page is built anew after so many times what it took: a page of many trials takes no core for itself."""
HTML = "text/html; charset=utf-8"


@dataclass
class LivePage:
    """The newest page, built when somebody asks and the last one is old; it reads the record alone."""

    name: str
    _text: str = ""
    good_until: float = 0.0
    _is_last: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> str:
        """Return the page; that of a sweep that nobody runs any more does not load itself anew."""
        with self._lock:
            began = time.monotonic()
            if began >= self.good_until and not self._is_last:
                sweep = stored(self.name)
                self._is_last = sweep.owner is None
                refresh = None if self._is_last else REFRESH_SECONDS
                self._text = html_page(build_report([board_of(sweep)]), refresh_seconds=refresh)
                took = time.monotonic() - began
                self.good_until = began + took + max(REFRESH_SECONDS / 2, SHARE * took)
            return self._text


def serve(name: str, port: int) -> None:
    """Serve the page until Ctrl-C."""
    server = LoopbackServer(port, "/", HTML, LivePage(name))
    click.echo(
        f"http://127.0.0.1:{server.port}/ shows {name}, and loads itself anew; Ctrl-C leaves", err=True
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("no longer shown; the sweep goes on", err=True)
    finally:
        server.close()
