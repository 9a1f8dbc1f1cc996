"""When `resume` refuses. That it goes on is shown by tests/integration/test_interrupt.py."""

import json

import pytest

pytestmark = pytest.mark.timeout(60)  # the first of these imports torch


def test_a_finished_sweep_has_nothing_left_to_do(make_run, say) -> None:
    make_run()
    said = say("resume", "toy")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(
        "error: toy: nothing left to do; `sweeper best toy` answers, `sweeper extend toy "
    )


def test_a_broken_sweep_is_not_repeated(make_run, say) -> None:
    make_run("toy", "broken")
    said = say("resume", "toy")
    assert said.code == 2
    assert "each of its first 5 trials failed" in said.err
    assert "`sweeper logs toy 0` says why, `sweeper retry toy --failed` tries them again" in said.err


IMAGES = {str(digit): count for digit, count in enumerate([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])}
OTHERS = [
    (IMAGES, "as many in each class, but with other contents or names"),
    (IMAGES | {"3": 200}, "class '3' has 183 images, not 200"),
    (IMAGES | {"ten": 7}, "class 'ten' is gone"),
    ({name: count for name, count in IMAGES.items() if name != "4"}, "class '4' is new"),
    (dict.fromkeys("abcdefg", 1), "class 'a' is gone, class 'b' is gone, class 'c' is gone and 14 more"),
]


@pytest.mark.parametrize(("images", "difference"), OTHERS, ids=[row[1][:20] for row in OTHERS])
def test_other_images_are_refused_and_the_difference_is_named(
    images, difference, make_run, say, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    paths = make_run("toy", "stopped", meta={"images": json.dumps(images)})
    before = paths.record.read_bytes()
    said = say("resume", "toy")
    assert said.code == 2
    assert f"not those that the sweep began with: {difference}" in said.err
    assert said.err.count("\n") == 1
    assert paths.record.read_bytes() == before
