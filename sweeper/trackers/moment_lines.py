"""This puts events into words for people: one line for a start, a verdict or the end of a trial."""

from sweeper.trackers.snapshot import Happening, Moment, Snapshot
from sweeper.trial import Decision, State, Verdict
from sweeper.wording import device_text, duration_text, plain, score_text

_SURE = 0.2
"""Where what was foretold lies so close together, one number says it."""


def verdict_text(metric: str, verdict: Verdict, score: float | None) -> str:
    """`at rung 3 (rank 5 of 6, needed 95.1 %)`, as far as the scheduler gave reasons.

    With the `score` that was judged a tie is told as one, and two scores that look alike with more digits.
    """
    numbers: list[str] = []
    if verdict.rank is not None:
        numbers.append(f"rank {verdict.rank}" + (f" of {verdict.of}" if verdict.of is not None else ""))
    if verdict.threshold is not None:
        numbers.append(_needed(metric, verdict, verdict.threshold, score))
    words = [f"at rung {verdict.rung:g}"] if verdict.rung is not None else []
    if numbers:
        words.append(f"({', '.join(numbers)})")
    elif verdict.reason:
        words.append(f"({plain(verdict.reason)})")
    return " ".join(words)


def _needed(metric: str, verdict: Verdict, threshold: float, score: float | None) -> str:
    needed = score_text(metric, threshold)
    if score is None or score_text(metric, score) != needed:
        return f"needed {needed}"
    if score == threshold and verdict.decision is Decision.STOP:
        return f"a tie at {needed} with an earlier trial, which goes on"
    return f"needed {threshold:.6g}, had {score:.6g}" if score != threshold else f"needed {needed}"


def moment_line(moment: Moment, metric: str) -> str:
    """Return a line for an event: `trial 7 epoch 3 valid/top1 94.2 % stopped at rung 3 (...)`."""
    words = [f"trial {moment.number}"]
    if moment.epoch:
        words.append(f"epoch {moment.epoch}")
    if moment.score is not None:
        words.append(f"{metric} {score_text(metric, moment.score)}")
    words.append(_happening(moment, metric))
    return "  ".join(word for word in words if word)


def status_line(snapshot: Snapshot) -> str:
    """Return the sweep in one line: how far, how good, what it cost, how long still."""
    running = snapshot.states.get(State.RUNNING, 0)
    of = f" of {snapshot.planned}" if snapshot.planned else ""
    words = [f"{snapshot.finished}{of} trials done, {running} running"]
    if snapshot.best:
        best = score_text(snapshot.metric, snapshot.best.score)
        words.append(f"best {snapshot.metric} {best} (trial {snapshot.best.number})")
    words.append(device_text(snapshot.billed_device_seconds, snapshot.has_gpu))
    if snapshot.usd:
        words.append(f"{snapshot.usd:.2f} USD")
    if snapshot.eta_seconds is not None:
        words.append(eta_text(snapshot))
    return ", ".join(words)


def eta_text(snapshot: Snapshot) -> str:
    """Say how long it will take still, and how sure that is: what was foretold since half of the time."""
    about = f"about {duration_text(snapshot.eta_seconds)} left"
    if snapshot.eta_range is None:
        return f"{about}, a first guess"
    low, high = snapshot.eta_range
    if high - low <= _SURE * (snapshot.eta_seconds or 0.0):
        return about
    return f"{about} ({duration_text(low)} to {duration_text(high)})"


def _happening(moment: Moment, metric: str) -> str:
    if moment.kind is Happening.STARTED:
        again = f"attempt {moment.attempt} " if moment.attempt > 1 else ""
        return f"{again}started" + (f"  {plain(moment.label)}" if moment.label else "")
    if moment.kind is Happening.REPORTED or moment.outcome is None:
        return "paused" if moment.verdict and moment.verdict.decision is Decision.PAUSE else ""
    outcome, verdict = moment.outcome, moment.verdict
    if outcome.state is State.STOPPED and verdict and verdict.decision is not Decision.CONTINUE:
        return f"stopped {verdict_text(metric, verdict, moment.score)}".strip()
    text = ": ".join(part for part in (outcome.kind.replace("_", " "), plain(outcome.message)) if part)
    return f"{outcome.state}" + (f" ({text})" if text else "")
