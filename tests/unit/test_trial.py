import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeper.trial import State, canonical, derive, trial_key

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
CONFIGS = st.dictionaries(st.text(min_size=1), VALUES, max_size=5)


@given(CONFIGS, st.randoms(use_true_random=False))
def test_equal_configurations_have_one_text_whatever_their_order(config, random):
    keys = list(config)
    random.shuffle(keys)
    shuffled = {key: config[key] for key in keys}
    assert canonical(shuffled) == canonical(config)
    assert trial_key("s", shuffled, 1) == trial_key("s", config, 1)
    assert json.loads(canonical(config)) == config


def test_anything_that_tells_trials_apart_changes_the_key():
    base = trial_key("sweep", {"layers": 3}, 7)
    others = {
        trial_key("sweep2", {"layers": 3}, 7),
        trial_key("sweep", {"layers": 4}, 7),
        trial_key("sweep", {"layers": 3}, 8),
        trial_key("sweep", {"layers": 3}, 7, 1),
    }
    assert base not in others
    assert len(others) == 4
    assert len(base) == 16
    int(base, 16)


def test_the_key_and_the_seed_never_change_between_versions():
    """A resumed sweep must find its trials and draw the numbers that it drew before."""
    assert trial_key("sweep", {"layers": 3, "rate": 0.5}, 7, 1) == "eb85c7c59209fcb7"
    assert derive(7, "augment", "trial", 3) == 9077230467492559881


@given(st.integers(0, 2**63 - 1), st.lists(st.text() | st.integers(), max_size=3))
def test_a_derived_seed_fits_every_generator(seed, path):
    assert 0 <= derive(seed, *path) < 2**63


def test_two_purposes_never_share_a_stream():
    paths = [(), ("a",), ("b",), ("a", "b"), ("ab",), ("a", 1), ("a", "1"), ("a", 1, 1), ("a", 11)]
    assert len({derive(7, *path) for path in paths} | {derive(8, *path) for path in paths}) == 2 * len(paths)


@pytest.mark.parametrize("state", list(State))
def test_a_trial_that_may_run_again_is_not_final(state):
    assert state.is_final == (state not in {State.WAITING, State.RUNNING, State.PAUSED})
