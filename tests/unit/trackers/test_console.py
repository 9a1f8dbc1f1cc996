import io
from collections.abc import Iterator

import pytest
from rich.console import Console as RichConsole

from sweeper.errors import FailureKind
from sweeper.trackers.console import LiveConsole, PlainConsole, open_console
from sweeper.trackers.live_picture import fitted, picture, sparkline
from sweeper.trackers.moment_lines import eta_text, moment_line, status_line
from sweeper.trackers.snapshot import Happening, Moment, Snapshot, TrialStatus
from sweeper.trial import Decision, Outcome, State, Verdict
from sweeper.wording import device_text, duration_text, plain, score_text

STOPPED = Moment(
    Happening.ENDED,
    7,
    epoch=3,
    score=0.942,
    verdict=Verdict(Decision.STOP, rung=3, rank=5, of=6, threshold=0.951),
    outcome=Outcome(State.STOPPED),
)
SNAPSHOT = Snapshot(
    "digits",
    "valid/top1",
    states={State.COMPLETED: 9, State.STOPPED: 5, State.RUNNING: 2, State.FAILED: 1},
    planned=24,
    running=(TrialStatus(16, 4, 0.91, 12.0, "cnn layers=3"), TrialStatus(17, 1, None, 2.0, "cnn layers=1")),
    best=TrialStatus(7, 10, 0.9812, 30.0, "cnn layers=2"),
    billed_device_seconds=1800,
    budgets={"trials": 0.625, "gpu_hours": 1.2},
    elapsed_seconds=95,
    eta_seconds=61,
)


@pytest.mark.parametrize(
    ("moment", "line"),
    [
        (STOPPED, "trial 7  epoch 3  valid/top1 94.2 %  stopped at rung 3 (rank 5 of 6, needed 95.1 %)"),
        (Moment(Happening.STARTED, 1, label="cnn layers=3"), "trial 1  started  cnn layers=3"),
        (Moment(Happening.STARTED, 1, epoch=4, attempt=2), "trial 1  epoch 4  attempt 2 started"),
        (Moment(Happening.REPORTED, 2, 1, 0.5), "trial 2  epoch 1  valid/top1 50.0 %"),
        (
            Moment(Happening.REPORTED, 2, 1, 0.5, verdict=Verdict(Decision.PAUSE, rung=1)),
            "trial 2  epoch 1  valid/top1 50.0 %  paused",
        ),
        (
            Moment(Happening.ENDED, 3, 10, 0.97, outcome=Outcome(State.COMPLETED)),
            "trial 3  epoch 10  valid/top1 97.0 %  completed",
        ),
        (
            Moment(
                Happening.ENDED, 4, outcome=Outcome(State.FAILED, FailureKind("out_of_memory"), "needs 12 GB")
            ),
            "trial 4  failed (out of memory: needs 12 GB)",
        ),
        (
            Moment(
                Happening.ENDED,
                5,
                2,
                0.1,
                verdict=Verdict(Decision.STOP, "no gain"),
                outcome=Outcome(State.STOPPED),
            ),
            "trial 5  epoch 2  valid/top1 10.0 %  stopped (no gain)",
        ),
    ],
)
def test_an_event_is_one_line_with_its_reason(moment: Moment, line: str) -> None:
    assert moment_line(moment, "valid/top1") == line


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("valid/top5", 0.5, "50.0 %"),
        ("valid/loss", 0.123456, "0.1235"),
        ("valid/top1", None, "-"),
        ("valid/top1", float("nan"), "-"),
    ],
)
def test_only_accuracies_are_per_cent(metric: str, value: float | None, text: str) -> None:
    assert score_text(metric, value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (273600, "3 d 4 h"),
        (None, "-"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text


def test_device_time_is_named_for_what_it_is() -> None:
    assert device_text(90, has_gpu=False) == "90 CPU slot seconds"
    assert device_text(1.82, has_gpu=False) == "1.8 CPU slot seconds"
    assert device_text(7200, has_gpu=True) == "2.00 GPU hours"


def test_names_cannot_repaint_the_terminal() -> None:
    assert plain("a\x1b[2Jb\rc\x9b31m") == "abc"


def test_the_status_line_says_how_far_how_good_and_how_long() -> None:
    assert status_line(SNAPSHOT) == (
        "15 of 24 trials done, 2 running, best valid/top1 98.1 % (trial 7), "
        "0.50 CPU slot hours, about 1 min 01 s left, a first guess"
    )


def test_off_a_terminal_a_trial_is_worth_one_line() -> None:
    stream = io.StringIO()
    with open_console("valid/top1", stream=stream) as console:
        console.moment(Moment(Happening.STARTED, 7))
        console.moment(Moment(Happening.REPORTED, 7, 1, 0.5))
        console.moment(STOPPED)
        console.update(SNAPSHOT)
    assert stream.getvalue().splitlines() == [moment_line(STOPPED, "valid/top1")]


def test_plain_lines_repeat_how_the_sweep_stands_twice_a_minute() -> None:
    times: Iterator[float] = iter([0, 10, 29, 31, 40, 62])
    stream = io.StringIO()
    console = PlainConsole("valid/top1", stream, clock=lambda: next(times))
    for _ in range(5):
        console.update(SNAPSHOT)
    assert stream.getvalue().splitlines() == [status_line(SNAPSHOT)] * 2


def test_a_tracking_problem_is_said_once() -> None:
    stream = io.StringIO()
    console = PlainConsole("valid/top1", stream, clock=lambda: 0.0)
    for problem in ["", "down", "down", "down", ""]:
        console.update(Snapshot("s", "valid/top1", tracking_problem=problem))
    assert stream.getvalue() == "tracking waits, the sweep goes on: down\n"


def test_quiet_says_nothing_but_notes() -> None:
    stream = io.StringIO()
    console = open_console("valid/top1", stream=stream, is_quiet=True)
    console.moment(STOPPED)
    console.update(SNAPSHOT)
    console.note("done")
    assert stream.getvalue() == "done\n"


def drawn(snapshot: Snapshot, width: int = 100) -> str:
    rich = RichConsole(width=width, file=io.StringIO(), force_terminal=False)
    with rich.capture() as capture:
        rich.print(picture(snapshot, width))
    return capture.get()


def test_the_live_picture_shows_trials_best_cost_and_budgets() -> None:
    text = drawn(SNAPSHOT)
    for part in (
        "15 of 24 trials done",
        "5 stopped",
        "98.1 %",
        "91.0 %",
        "62 %",
        "120 %",
        "CPU slot",
        "1 min 01 s",
    ):
        assert part in text


def test_a_long_configuration_is_cut_and_never_pushes_the_numbers_out() -> None:
    long = TrialStatus(1, 3, 0.9, 12.0, "name=value " * 30)
    text = drawn(Snapshot("s", "valid/top1", running=(long,), best=long))
    assert len(text.splitlines()) == 5
    for part in ("trial", "epoch", "top1", "s/epoch", "90.0 %", "name=value"):
        assert part in text.splitlines()[3] + text.splitlines()[4]


def test_a_label_is_never_taken_for_markup() -> None:
    odd = Snapshot("[bold]s[/x]", "valid/top1", running=(TrialStatus(1, label="[red]x[/nope]"),))
    assert "[red]x[/nope]" in drawn(odd)
    assert "[bold]s[/x]" in drawn(odd)


def test_a_hundred_running_trials_do_not_fill_the_screen() -> None:
    crowd = Snapshot("s", "valid/top1", running=tuple(TrialStatus(i) for i in range(100)))
    assert "and 88 more" in drawn(crowd)
    assert len(drawn(crowd).splitlines()) < 20


NAMES = (
    "pixels",
    "layers",
    "filters",
    "convs_per_block",
    "dropout",
    "augmentation",
    "learning_rate",
    "optimizer",
)


def crowd(many: int) -> tuple[TrialStatus, ...]:
    """Trials that differ in all but two parameters, on two nodes."""
    return tuple(
        TrialStatus(
            number, 3, 0.5 + number / 1000, 8.0, "x" * 200, pace=1.234, rung=2,
            node=f"node-{number % 2}", device="cpu",
            values=dict(zip(NAMES, (str(8 * (number % 3)), "2", "16-64-64", str(number % 2), "0.25",
                                    ["none", "light"][number % 2], f"{0.001 * (number + 1):.3g}",
                                    ["sgd", "rmsprop"][number % 2]), strict=True)),
        )
        for number in range(many)
    )  # fmt: skip


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("many", [1, 2, 64])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(many: int, width: int) -> None:
    snapshot = Snapshot("s", "valid/top1", running=crowd(many), best=crowd(1)[0], budgets={"trials": 0.5})
    lines = drawn(snapshot, width).splitlines()
    assert max(map(len, lines)) <= width
    table = next(n for n, line in enumerate(lines) if line.startswith("trial"))
    rows = lines[table + 1 : table + 1 + min(many, 12)]
    assert [row.split()[:6] for row in rows] == [
        [str(n), "3", "2", f"{100 * (0.5 + n / 1000):.1f}", "%", "1.23"] for n in range(min(many, 12))
    ]
    assert all(f"{0.001 * (n + 1):.3g}" in row for n, row in enumerate(rows))


def test_what_all_trials_have_in_common_is_said_once_below_them() -> None:
    text = drawn(Snapshot("s", "valid/top1", running=crowd(2)), 80)
    assert "all: layers=2 filters=16-64-64 dropout=0.25 device=cpu" in text
    assert text.count("16-64-64") == 1
    assert "node-1" in text


def test_columns_that_do_not_fit_are_named() -> None:
    values = {name: ["a long value of a parameter"] for name in NAMES}
    widths, left_out = fitted(values, 40)
    assert sum(widths.values()) + len(widths) <= 40
    assert [*widths, *left_out] == list(NAMES)
    assert fitted(values, 2) == ({}, list(NAMES))


@pytest.mark.parametrize(
    ("curve", "line"),
    [((), ""), ((0.5,), "▁"), ((0.5, 0.5), "▁▁"), ((0.0, 0.5, 1.0), "▁▅█"), ((1.0, 0.0), "█▁")],
)
def test_a_curve_is_drawn_from_its_lowest_to_its_highest(curve: tuple[float, ...], line: str) -> None:
    assert sparkline(curve) == line
    assert len(sparkline([float(n) for n in range(1000)])) == 24


def test_the_eta_says_how_sure_it_is() -> None:
    guesses = [(None, "about 1 min 40 s left, a first guess"), ((95.0, 105.0), "about 1 min 40 s left"),
               ((60.0, 200.0), "about 1 min 40 s left (1 min 00 s to 3 min 20 s)")]  # fmt: skip
    for found, text in guesses:
        assert eta_text(Snapshot("s", "valid/top1", eta_seconds=100.0, eta_range=found)) == text


def test_the_live_console_prints_ends_above_the_table_and_leaves_the_terminal() -> None:
    stream = io.StringIO()
    rich = RichConsole(file=stream, force_terminal=True, width=100)
    with LiveConsole("valid/top1", rich) as console:
        console.update(SNAPSHOT)
        console.moment(STOPPED)
        console.moment(Moment(Happening.REPORTED, 1, 1, 0.3))
    assert "stopped at rung 3" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[?25h") or "\x1b[?25h" in stream.getvalue()


ALIKE = [
    (1.0, 1.0, "a tie at 100.0 % with an earlier trial, which goes on"),
    (0.99961, 0.99982, "needed 0.99982, had 0.99961"),
    (0.94, 0.951, "needed 95.1 %"),
]


@pytest.mark.parametrize(("score", "needed", "said"), ALIKE)
def test_a_tie_is_told_as_one_and_scores_that_look_alike_with_more_digits(score, needed, said):
    verdict = Verdict(Decision.STOP, rung=2, rank=3, of=3, threshold=needed)
    moment = Moment(Happening.ENDED, 2, 2, score, verdict=verdict, outcome=Outcome(State.STOPPED))
    assert moment_line(moment, "valid/top1").endswith(f"stopped at rung 2 (rank 3 of 3, {said})")


def test_before_a_trial_has_a_device_the_live_console_counts_how_long_the_last_line_is_true() -> None:
    now = [0.0]
    rich = RichConsole(file=io.StringIO(), force_terminal=True, width=80)
    console = LiveConsole("valid/top1", rich, clock=lambda: now[0])
    console.note("a private Ray starts")
    now[0] = 7.0
    empty = Snapshot("s", "valid/top1", planned=4)
    for snapshot, is_said in [(None, True), (empty, True), (SNAPSHOT, False)]:
        if snapshot:
            console.update(snapshot)
        with rich.capture() as capture:
            rich.print(console._picture())
        assert ("... 7 s, no trial has a device yet" in capture.get()) is is_said
