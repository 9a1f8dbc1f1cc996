"""A storage of Optuna's that shows the trials it is given: to add thousands takes seconds."""

from collections.abc import Container, Sequence

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState


class Shown(InMemoryStorage):
    """A study's trials are those that it is given, beside any that are asked for; none is ever copied."""

    def __init__(self, trials: Sequence[FrozenTrial]) -> None:
        super().__init__()
        self._shown = trials

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return those in one of the states. They are never copied, because samplers do not write on them."""
        asked = super().get_all_trials(study_id, deepcopy, states)
        return [trial for trial in self._shown if states is None or trial.state in states] + asked
