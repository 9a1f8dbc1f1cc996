"""The keys of `sweeper watch`: what is typed becomes an order only once it is confirmed."""

import contextlib
import select
import sys
import termios
import tty
from collections.abc import Generator
from dataclasses import dataclass

from sweeper.trial import Wish

HELP = "q leave  s stop the sweep  t stop a trial  p pause one  r let one go on"
_OF_TRIALS = {"t": Wish.STOP, "p": Wish.PAUSE, "r": Wish.RESUME}
_ENTER, _BACK, _LEAVE = ("\r", "\n"), ("\x7f", "\b"), ("q", "\x03", "\x04")


@dataclass(frozen=True, slots=True)
class TypedOrder:
    """What is to be done: with a trial, or with the sweep where no trial is named."""

    wish: Wish
    trial: str = ""


@dataclass
class Keys:
    """What has been typed so far, and the line that says so."""

    wish: Wish | None = None
    is_of_sweep: bool = False
    digits: str = ""
    has_left: bool = False

    @property
    def line(self) -> str:
        """What the lowest line asks for."""
        if self.is_of_sweep:
            return "stop the sweep: running trials pause at their next report? y / n"
        if self.wish:
            return f"{self.wish} trial number: {self.digits}_   (Enter does it, Esc leaves it)"
        return HELP

    def press(self, key: str) -> TypedOrder | None:
        """Take a key, and return the order that it completes."""
        if self.is_of_sweep:
            self.is_of_sweep = False
            return TypedOrder(Wish.STOP) if key == "y" else None
        if self.wish:
            return self._digit(key)
        self.has_left = key in _LEAVE
        self.is_of_sweep = key == "s"
        self.wish = _OF_TRIALS.get(key)
        return None

    def _digit(self, key: str) -> TypedOrder | None:
        wish, digits = self.wish, self.digits
        if key.isdecimal():
            self.digits += key
        elif key in _BACK:
            self.digits = self.digits[:-1]
        else:
            self.wish, self.digits = None, ""
            return TypedOrder(wish, digits) if key in _ENTER and digits and wish else None
        return None


@contextlib.contextmanager
def single_keys() -> Generator[bool]:
    """Let keys arrive one by one for the block, unseen; False where nobody types at a terminal."""
    if not sys.stdin.isatty():
        yield False
        return
    number = sys.stdin.fileno()
    held = termios.tcgetattr(number)
    try:
        tty.setcbreak(number)
        yield True
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, held)


def typed(seconds: float) -> str:
    """Wait so long for a key, and return it; "" where none came."""
    if not select.select([sys.stdin], [], [], seconds)[0]:
        return ""
    return sys.stdin.read(1)
