"""This module prints one trial in full: configuration, attempts, reports, and why it ended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from sweeper.cli.parts.table import print_pairs, print_table
from sweeper.cli.parts.trial_fate import fate
from sweeper.results.phrases import network_text
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.history import Attempt, TrialHistory
from sweeper.trial import Report, Verdict
from sweeper.wording import plain, score_text, value_text

METRICS = ("train/loss", "valid/loss", "valid/top1", "valid/top5", "valid/balanced_top1")
"""The columns beside the objective; `--json` has every metric."""


def print_trial(trial: TrialHistory, sweep: StoredSweep) -> None:
    """Print the page."""
    name = f"trial {trial.number} of {sweep.name}"
    click.echo(f"{click.style(name, bold=True)} ({trial.id}): {fate(trial, sweep)}")
    _title("configuration" + (f" {plain(trial.point)}" if trial.point else ""))
    print_pairs(((key, plain(value_text(value))) for key, value in trial.config.items()), indent=2)
    if trial.last and (taken := network_text(sweep.spec.objective, trial.last.metrics)):
        click.echo(f"\n{taken}")
    if trial.attempts:
        _title("attempts")
        print_table(_ATTEMPT, [_attempt_row(attempt) for attempt in trial.attempts], left=_LEFT)
    if trial.reports or trial.verdicts:
        _title("reports and decisions")
        _print_reports(trial, sweep.spec.objective.metric)
    if trial.test:
        scores = (f"{key} {score_text(key, score)}" for key, score in trial.test.items())
        click.echo(f"\ntest split: {', '.join(scores)}")


def _title(text: str) -> None:
    click.echo(f"\n{click.style(text, bold=True)}")


_ATTEMPT = ("attempt", "launch", "node", "device", "share", "billed s", "productive s", "ended")
_LEFT = ("node", "device", "ended", "decision", "why")


def _attempt_row(attempt: Attempt) -> tuple[str, ...]:
    text = ": ".join(part for part in (attempt.ended.replace("_", " "), plain(attempt.message)) if part)
    return (
        str(attempt.number),
        str(attempt.launch),
        plain(attempt.node),
        plain(attempt.device),
        f"{attempt.share:g}",
        f"{attempt.billed:.1f}",
        f"{attempt.productive:.1f}",
        text or "running",
    )


def _print_reports(trial: TrialHistory, metric: str) -> None:
    named = {name for report in trial.reports for name in report.metrics}
    others = tuple(name for name in METRICS if name in named and name != metric)
    header = ("epoch", metric, "device-s", *others, "decision", "rung", "rank", "needed", "why")
    reports = {report.epoch: report for report in trial.reports}
    rows = list(_decided(trial, reports, metric, others))
    print_table(header, rows, left=_LEFT)


def _decided(
    trial: TrialHistory, reports: Mapping[int, Report], metric: str, others: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each decision, and one for each report without a decision."""
    undecided = [(epoch, None) for epoch in reports.keys() - {epoch for epoch, _ in trial.verdicts}]
    lines: list[tuple[int, Verdict | None]] = sorted([*trial.verdicts, *undecided], key=lambda line: line[0])
    for epoch, verdict in lines:
        yield (
            str(epoch),
            *_report_cells(reports.get(epoch), metric, others),
            *_verdict_cells(verdict, metric),
        )


def _report_cells(report: Report | None, metric: str, others: Sequence[str]) -> tuple[str, ...]:
    if report is None:
        return ("-", "-", *("-" for _ in others))
    scores = (score_text(name, report.metrics.get(name)) for name in others)
    return (score_text(metric, report.score), f"{report.device_seconds:.1f}", *scores)


def _verdict_cells(verdict: Verdict | None, metric: str) -> tuple[str, ...]:
    if verdict is None:
        return ("-", "-", "-", "-", "")
    rung = f"{verdict.rung:g}" if verdict.rung is not None else "-"
    of = f" of {verdict.of}" if verdict.of is not None else ""
    rank = f"{verdict.rank}{of}" if verdict.rank is not None else "-"
    return str(verdict.decision), rung, rank, score_text(metric, verdict.threshold), plain(verdict.reason)


def trial_facts(trial: TrialHistory, sweep: StoredSweep) -> dict[str, Any]:
    """Return the page as JSON, with every metric of every report."""
    return {
        "sweep": sweep.name,
        "number": trial.number,
        "id": trial.id,
        "point": trial.point,
        "state": sweep.state_word(trial.state),
        "why": fate(trial, sweep),
        "configuration": dict(trial.config),
        "seed": trial.seed,
        "attempts": [
            {name: value for name, value in asdict(attempt).items() if name != "unsaved"}
            for attempt in trial.attempts
        ],
        "reports": [asdict(report) for report in trial.reports],
        "decisions": [{"epoch": epoch, **asdict(verdict)} for epoch, verdict in trial.verdicts],
        "test": dict(trial.test) if trial.test else None,
    }
