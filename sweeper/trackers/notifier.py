"""The notifier tells chats and programs of a sweep, on threads of its own: nothing of it can hurt the sweep.

Libraries that speak to a hundred services bring their own HTTP stack; four forms of JSON need none.
"""

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message as Headers
from http.client import HTTPException
from typing import Any

from sweeper.config.user_config import NoticeTarget

TIMEOUT_SECONDS = 10.0
WAITS = (1.0, 4.0, 16.0)
"""Seconds before each further try."""
LONGEST_WAIT = 60.0
"""A service that asks for more patience than this is not waited for."""
BETWEEN_SECONDS = 1.0
"""Slack takes one message a second."""
MOST_WAITING = 50
MOST_CHARACTERS = 1500
"""Discord takes 2,000."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell of a sweep."""

    sweep: str
    event: str
    text: str


class _Failed(Exception):
    """A try failed; `wait` is what the service asked for, `is_final` that another try would fail alike."""

    def __init__(self, reason: str, *, wait: float = 0.0, is_final: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.is_final = is_final


class Notifier:
    """Passes each notice to every target; `send` never waits."""

    def __init__(self, targets: Sequence[NoticeTarget], waits: Sequence[float] = WAITS) -> None:
        self._lines = [_Line(target, waits) for target in targets]

    def send(self, notice: Message) -> None:
        """Take a notice; where too many wait for a target, it is left out there, which is said."""
        for line in self._lines:
            line.put(notice)

    def problems(self) -> list[str]:
        """Return what went wrong since the last call, without any secret."""
        return [problem for line in self._lines for problem in line.taken_problems()]

    def close(self, seconds: float) -> None:
        """Let what is still to be told be told, for so long at most in all."""
        deadline = time.monotonic() + seconds
        for line in self._lines:
            line.end()
        for line in self._lines:
            line.join(max(0.0, deadline - time.monotonic()))


class _Line:
    """A target with its queue and its thread: one that hangs holds up no other."""

    def __init__(self, target: NoticeTarget, waits: Sequence[float]) -> None:
        self._target = target
        self._waits = waits
        self._queue: queue.Queue[Message | None] = queue.Queue(MOST_WAITING)
        self._problems: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper-notify", daemon=True)
        self._thread.start()

    def put(self, notice: Message) -> None:
        try:
            self._queue.put_nowait(notice)
        except queue.Full:
            self._say(f"{MOST_WAITING} notices wait already: `{notice.event}` is left out")

    def taken_problems(self) -> list[str]:
        return [self._problems.get() for _ in range(self._problems.qsize())]

    def end(self) -> None:
        with contextlib.suppress(queue.Empty):
            while self._queue.full():
                self._queue.get_nowait()  # the oldest makes room for the end
        self._queue.put_nowait(None)

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._is_over.set()
            self._say(f"does not answer in time: {max(1, self._queue.qsize())} notices are left out")

    def _run(self) -> None:
        free_at = 0.0
        while (notice := self._queue.get()) is not None:
            if self._is_over.wait(max(0.0, free_at - time.monotonic())):
                return
            self._deliver(notice)
            free_at = time.monotonic() + BETWEEN_SECONDS

    def _deliver(self, notice: Message) -> None:
        for wait in (*self._waits, None):
            try:
                return _tell(self._target, notice)
            except _Failed as failed:
                if wait is None or failed.is_final or failed.wait > LONGEST_WAIT:
                    return self._say(f"{failed}: `{notice.event}` is not told, the sweep goes on")
                if self._is_over.wait(max(wait, failed.wait)):
                    return None
        return None

    def _say(self, what: str) -> None:
        self._problems.put(f"notify: {self._target.name}: {what}")


def _tell(target: NoticeTarget, notice: Message) -> None:
    if target.command:
        _run(target.command, notice)
    else:
        _post(target.address, FORMS[target.kind](notice))


def _run(command: Sequence[str], notice: Message) -> None:
    names = {"SWEEPER_SWEEP": notice.sweep, "SWEEPER_EVENT": notice.event}
    try:
        done = subprocess.run(
            command,
            input=notice.text.encode(),
            env=os.environ | names,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _Failed(f"takes more than {TIMEOUT_SECONDS:g} s", is_final=True) from error
    except OSError as error:
        raise _Failed(str(error.strerror), is_final=True) from error
    if done.returncode:
        raise _Failed(f"ends with {done.returncode}")


def _post(address: str, body: Mapping[str, Any]) -> None:
    """Send the body as JSON; no redirection is followed, and no error repeats the address."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            answer.read(1024)
    except urllib.error.HTTPError as error:
        with error:
            is_final = error.code < 500 and error.code not in (408, 429)
            raise _Failed(f"answers {error.code}", wait=_patience(error.headers), is_final=is_final) from None
    except urllib.error.URLError as error:
        raise _Failed(
            f"cannot be reached ({getattr(error.reason, 'strerror', None) or 'no answer'})"
        ) from None
    except (OSError, HTTPException) as error:
        raise _Failed(f"no answer ({type(error).__name__})") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **options: Any) -> None:
        """Follow nothing: what was meant for one service is told to no other."""


def _patience(headers: Headers | None) -> float:
    text = headers.get("Retry-After", "") if headers else ""
    return float(text) if text.isdecimal() else 0.0


def _slack(notice: Message) -> dict[str, Any]:
    text = notice.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text}


def _discord(notice: Message) -> dict[str, Any]:
    return {"content": notice.text, "allowed_mentions": {"parse": []}}


def _teams(notice: Message) -> dict[str, Any]:
    card = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "TextBlock", "text": notice.text, "wrap": True}],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _json(notice: Message) -> dict[str, Any]:
    return {"sweep": notice.sweep, "event": notice.event, "text": notice.text}


FORMS: Mapping[str, Callable[[Message], Mapping[str, Any]]] = {
    "slack": _slack,
    "discord": _discord,
    "teams": _teams,
    "webhook": _json,
}
