"""What is worth a word: told once, not too often, and nothing that was so before."""

from dataclasses import replace

import pytest

from sweeper.config.user_config import NotifySpec
from sweeper.launch.notices import Notices
from sweeper.trackers.snapshot import Snapshot, TrialStatus
from sweeper.trial import State

AT_FIRST = Snapshot("digits", "valid/top1", planned=10, budgets={"trials": 0.1})


class Heard:
    """A notifier that writes down what it is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.kinds: list[str] = []
        self.is_closed = False

    def send(self, notice) -> None:
        self.kinds.append(notice.event)
        self.texts.append(notice.text)

    def problems(self) -> list[str]:
        return []

    def close(self, seconds: float) -> None:
        self.is_closed = True


@pytest.fixture
def hear():
    """`hear(snapshot, ...)`: the kinds that are told; a snapshot may come with the seconds before it."""

    def build(*snapshots, **options):
        now = [0.0]
        spec = NotifySpec.model_validate({"to": [{"command": ["true"]}], **options})
        heard = Heard()
        notices = Notices(spec, heard, clock=lambda: now[0])
        for each in snapshots:
            seconds, snapshot = each if isinstance(each, tuple) else (1.0, each)
            now[0] += seconds
            notices.update(snapshot)
        heard.notices = notices
        return heard

    return build


def best(score: float, **changes) -> Snapshot:
    return replace(
        AT_FIRST, best=TrialStatus(4, 7, score, label="layers=2"), reports=round(1000 * score), **changes
    )


def test_a_start_is_told_once(hear) -> None:
    heard = hear(AT_FIRST, AT_FIRST)
    assert heard.kinds == ["start"]
    assert heard.texts[0].startswith("digits: runs on ")
    assert "0 of 10 trials done" in heard.texts[0]


def test_a_new_best_is_told_and_the_next_one_only_after_some_minutes(hear) -> None:
    heard = hear(AT_FIRST, best(0.5), best(0.6), best(0.7), (301, best(0.7)), best(0.7))
    assert heard.kinds == ["start", "best", "best"]
    assert heard.texts[1] == "digits: new best valid/top1 50.0 % (trial 4, epoch 7  layers=2)"
    assert "70.0 %" in heard.texts[2]


def test_a_lower_loss_is_a_new_best(hear) -> None:
    losses = [best(score, metric="valid/loss", is_maximized=False) for score in (0.5, 0.9, 0.4)]
    assert [text.split(" (")[0] for text in hear(AT_FIRST, *((400, each) for each in losses)).texts[1:]] == [
        "digits: new best valid/loss 0.5", "digits: new best valid/loss 0.4",
    ]  # fmt: skip


def test_what_was_so_before_the_launch_is_no_news(hear) -> None:
    before = best(0.5, states={State.FAILED: 5}, budgets={"trials": 0.85})
    assert hear(before, replace(before, reports=501), (400, before)).kinds == ["start"]


def test_failures_are_told_once_they_are_many(hear) -> None:
    failed = [replace(AT_FIRST, states={State.FAILED: number}) for number in (1, 2, 3, 4)]
    heard = hear(AT_FIRST, *failed)
    assert heard.kinds == ["start", "failures"]
    assert heard.texts[1] == "digits: 3 trials failed: `sweeper status digits` says why"


def test_shares_of_a_budget_are_told_once_each_and_the_highest_alone(hear) -> None:
    shares = [0.4, 0.5, 0.6, 0.79, 0.8, 1.2, 1.3]
    heard = hear(AT_FIRST, *(replace(AT_FIRST, budgets={"USD": share}) for share in shares))
    assert [text.partition(" are used")[0] for text in heard.texts[1:]] == [
        f"digits: {share} % of USD" for share in (50, 80, 100)
    ]
    jump = hear(AT_FIRST, replace(AT_FIRST, budgets={"USD": 1.0}))
    assert len(jump.texts) == 2
    assert "100 % of USD" in jump.texts[1]


def test_a_sweep_that_reports_nothing_for_long_is_stalled_until_it_reports_again(hear) -> None:
    again = replace(AT_FIRST, reports=1)
    heard = hear(AT_FIRST, (1801, AT_FIRST), (60, AT_FIRST), again, (1801, again))
    assert heard.kinds == ["start", "stalled", "stalled"]
    assert "no trial has reported for 30 min" in heard.texts[1]


def test_the_end_is_told_and_waited_for(hear) -> None:
    heard = hear(AT_FIRST)
    heard.notices.end("done")
    assert heard.kinds == ["start", "end"]
    assert heard.texts[-1].startswith("digits: ended: done (0 of 10 trials done")
    assert heard.is_closed


def test_only_what_is_wished_for_is_told(hear) -> None:
    heard = hear(AT_FIRST, best(0.5), on=["end"])
    heard.notices.end("done")
    assert heard.kinds == ["end"]


def test_a_label_cannot_repaint_a_chat(hear) -> None:
    odd = replace(
        AT_FIRST, best=TrialStatus(1, 1, 0.5, label="a\x1b[2J\u202eb https://u:pw@host/" + "x" * 5000)
    )
    text = hear(AT_FIRST, odd).texts[1]
    assert "\x1b" not in text
    assert "pw" not in text
    assert len(text) <= 1500
