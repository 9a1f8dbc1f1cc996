"""The driver hears here what people ask of single trials, and passes it on to the sweep."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sweeper.store.events import TrialWished
from sweeper.store.lease import TrialRequest, taken_trial_requests
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Wish

_MEANT = {
    Wish.STOP: "stops at its next report",
    Wish.PAUSE: "pauses at its next report",
    Wish.RESUME: "goes on when there is room for it",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """Looks for requests that `sweeper stop`, `pause` and `resume` leave with `--trial`."""

    sweep: Sweep
    root: Path
    say: Callable[[str], None]

    def look(self) -> None:
        """Take up what was asked since the last look, and say so."""
        for asked in taken_trial_requests(self.root):
            self._hear(asked)

    def _hear(self, asked: TrialRequest) -> None:
        trials = self.sweep.history.trials.values()
        trial = next((each for each in trials if each.number == asked.number), None)
        typed = f"{asked.by} typed `sweeper {asked.wish} --trial {asked.number}`"
        if trial is None or trial.state.is_final:
            self.say(
                f"{typed}, which comes too late: the trial is over" if trial else f"{typed}: no such trial"
            )
            return
        self.sweep.steer(TrialWished(trial=trial.id, wish=asked.wish, by=asked.by))
        self.say(typed if trial.state.is_final else f"{typed}: it {_MEANT[asked.wish]}")
