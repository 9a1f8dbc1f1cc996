"""Two sweeps on all cores of one machine cost each other: the second is told, and waits or shares."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import replace

from sweeper.config.run_options import RunOptions
from sweeper.runners.parts.this_machine import usable_cpus
from sweeper.store.machine import Claim, a_second, claimed
from sweeper.store.paths import runs_root


@contextlib.contextmanager
def own_cores(
    name: str, options: RunOptions, say: Callable[[str], None], pause: Callable[[], None] = a_second
) -> Generator[RunOptions]:
    """The options with the cores that are free here, for as long as the block lasts.

    Waits while other sweeps take them all, unless the options say that it shares. A cluster divides itself,
    and what is simulated takes nothing.
    """
    if options.address or options.runner == "simulated":
        yield options
        return
    chooser = _Chooser(options, say, usable_cpus())
    with contextlib.ExitStack() as stack:
        cores = chooser.all
        try:
            cores = stack.enter_context(claimed(runs_root() / name, chooser, pause))
        except OSError as error:
            say(f"whether other sweeps use this machine cannot be told: {error}")
        yield replace(options, cpus=cores) if cores < chooser.all else options


class _Chooser:
    """Answers how many cores this sweep takes, and says each thing once."""

    def __init__(self, options: RunOptions, say: Callable[[str], None], cores: int) -> None:
        self.all = cores
        self._wanted = options.cpus or cores
        self._has_wish = options.cpus is not None
        self._is_sharing = options.is_sharing
        self._say = say
        self._said = ""

    def __call__(self, others: list[Claim]) -> int:
        free = self.all - sum(other.cores for other in others)
        if free >= self._wanted:
            return self._wanted
        who = ", ".join(f"sweep {each.sweep} (process {each.pid}, {each.cores} cores)" for each in others)
        if self._is_sharing:
            self._tell(f"shares this machine with {who}: the costs of both are too high by that")
            return self._wanted
        if free > 0 and not self._has_wish:
            self._tell(f"takes the {free} of {self.all} cores that are left by {who}")
            return free
        self._tell(f"waits for {who}; Ctrl-C leaves, --share runs beside it at the cost of both")
        return 0

    def _tell(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._say(text)
