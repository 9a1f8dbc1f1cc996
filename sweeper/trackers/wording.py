"""Numbers and events in words for people: per cent, durations, and the one line a trial's end is worth."""

import math
import re

from sweeper.trackers.snapshot import Moment, Snapshot
from sweeper.trial import Decision, State, Verdict

_CONTROL = re.compile(r"(?:\x1b\[|\x9b)[0-9;?]*[A-Za-z]|[\x00-\x1f\x7f-\x9f]")
_ACCURACY = re.compile(r"top\d+$|accuracy$")


def plain(text: str) -> str:
    """Without control characters: a class or file name must not be able to repaint the terminal."""
    return _CONTROL.sub("", text)


def is_accuracy(metric: str) -> bool:
    """Whether the metric is a fraction that people read in per cent."""
    return bool(_ACCURACY.search(metric))


def score_text(metric: str, value: float | None) -> str:
    """An accuracy in per cent, any other metric with four digits; `-` where there is none."""
    if value is None or math.isnan(value):
        return "-"
    return f"{100 * value:.1f} %" if is_accuracy(metric) else f"{value:.4g}"


def duration_text(seconds: float | None) -> str:
    """`48 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def device_text(device_seconds: float, has_gpu: bool) -> str:
    """Device time in the unit that fits, named for what it is."""
    name = "GPU" if has_gpu else "CPU slot"
    if device_seconds < 360:
        return f"{device_seconds:.{1 if 0 < device_seconds < 10 else 0}f} {name} seconds"
    return f"{device_seconds / 3600:.2f} {name} hours"


def verdict_text(metric: str, verdict: Verdict) -> str:
    """`at rung 3 (rank 5 of 6, needed 95.1 %)`, as far as the scheduler gave reasons."""
    numbers: list[str] = []
    if verdict.rank is not None:
        numbers.append(f"rank {verdict.rank}" + (f" of {verdict.of}" if verdict.of is not None else ""))
    if verdict.threshold is not None:
        numbers.append(f"needed {score_text(metric, verdict.threshold)}")
    words = [f"at rung {verdict.rung:g}"] if verdict.rung is not None else []
    if numbers:
        words.append(f"({', '.join(numbers)})")
    elif verdict.reason:
        words.append(f"({plain(verdict.reason)})")
    return " ".join(words)


def moment_line(moment: Moment, metric: str) -> str:
    """One line for one event: `trial 7  epoch 3  valid/top1 94.2 %  stopped at rung 3 (...)`."""
    words = [f"trial {moment.number}"]
    if moment.epoch:
        words.append(f"epoch {moment.epoch}")
    if moment.score is not None:
        words.append(f"{metric} {score_text(metric, moment.score)}")
    words.append(_happening(moment, metric))
    return "  ".join(word for word in words if word)


def status_line(snapshot: Snapshot) -> str:
    """The sweep in one line: how far, how good, what it cost, how long still."""
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
        words.append(f"about {duration_text(snapshot.eta_seconds)} left")
    return ", ".join(words)


def _happening(moment: Moment, metric: str) -> str:
    if moment.kind == "started":
        again = f"attempt {moment.attempt} " if moment.attempt > 1 else ""
        return f"{again}started" + (f"  {plain(moment.label)}" if moment.label else "")
    if moment.kind == "reported" or moment.outcome is None:
        return "paused" if moment.verdict and moment.verdict.decision is Decision.PAUSE else ""
    outcome, verdict = moment.outcome, moment.verdict
    if outcome.state is State.STOPPED and verdict and verdict.decision is not Decision.CONTINUE:
        return f"stopped {verdict_text(metric, verdict)}".strip()
    said = ": ".join(part for part in (outcome.kind.replace("_", " "), plain(outcome.message)) if part)
    return f"{outcome.state}" + (f" ({said})" if said else "")
