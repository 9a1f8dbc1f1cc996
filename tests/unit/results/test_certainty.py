import math

import pytest
from scipy import stats

from sweeper.results.certainty import certainty, half_width
from sweeper.sweep.ranking import ranked_configs
from sweeper.trial import Goal


def of(found, goal=Goal.MAXIMIZE):
    return certainty(ranked_configs(found, goal), goal)


@pytest.fixture
def repeated(trial, history):
    """`repeated({1: [0.9, 0.8]}, is_final=True)`: a trial for each score, by layers."""

    def build(runs, *, is_final=False):
        pairs = [
            (layers, repeat, score) for layers, scores in runs.items() for repeat, score in enumerate(scores)
        ]
        made = [
            trial(number, layers, [score], repeat=repeat, is_final_run=is_final)
            for number, (layers, repeat, score) in enumerate(pairs)
        ]
        return history(*made)

    return build


def test_of_single_runs_nobody_can_tell(repeated, history):
    assert of(repeated({1: [0.9], 2: [0.5]})) is None
    assert of(history()) is None
    assert of(repeated({1: [0.9, 0.9], 2: [0.5]})) is None, "the second was run once"
    assert of(repeated({1: [0.9], 2: [0.5, 0.6]})) is None, "the first was run once"


@pytest.mark.parametrize(
    ("runs", "low", "high"),
    [
        ({1: [0.90, 0.91, 0.89], 2: [0.50, 0.51, 0.49]}, 0.999, 1.0),
        ({1: [0.90, 0.80, 0.70], 2: [0.895, 0.795, 0.695]}, 0.5, 0.56),
        ({1: [0.90, 0.91, 0.89], 2: [0.89, 0.90, 0.88]}, 0.75, 0.92),
        ({1: [0.9, 0.9], 2: [0.9, 0.9], 3: [0.9, 0.9]}, 0.333, 0.334),
    ],
)
def test_the_probability_follows_lead_and_spread(repeated, runs, low, high):
    assert low <= of(repeated(runs)).probability <= high


def test_no_run_is_surer_than_its_validation_images_allow(repeated):
    """Two equal runs each, a tenth of a point apart, read 100 %."""
    ranked = ranked_configs(repeated({1: [0.900, 0.900], 2: [0.899, 0.899]}), Goal.MAXIMIZE)
    assert certainty(ranked, Goal.MAXIMIZE).probability > 0.99
    assert 0.5 < certainty(ranked, Goal.MAXIMIZE, images=360).probability < 0.56
    assert certainty(ranked, Goal.MAXIMIZE, images=10_000_000).probability > 0.99


def test_an_interval_is_no_narrower_than_the_binomial_one():
    assert half_width([0.9, 0.9], 360) == pytest.approx(1.96 * math.sqrt(0.09 / 360 / 2), rel=0.02)
    assert half_width([0.9, 0.7], 360) == half_width([0.9, 0.7])
    assert half_width([1.5, 1.5], 360) == 0.0, "a loss is no share of images"


def test_it_is_the_same_each_time_and_more_runs_make_it_surer(repeated):
    three = {1: [0.90, 0.92, 0.88], 2: [0.89, 0.91, 0.87]}
    nine = {layers: scores * 3 for layers, scores in three.items()}
    assert of(repeated(three)) == of(repeated(three))
    assert of(repeated(nine)).probability > of(repeated(three)).probability


def test_a_loss_wins_by_being_low(repeated):
    found = of(repeated({1: [0.5, 0.51], 2: [0.1, 0.11]}), Goal.MINIMIZE)
    assert found.probability > 0.95
    assert found.ahead == pytest.approx(0.4)


def test_final_runs_compete_with_final_runs_only(trial, history):
    finals = [trial(n, layers, [score], repeat=1 + n % 2, is_final_run=True) for n, (layers, score) in
              enumerate([(1, 0.8), (1, 0.81), (2, 0.7), (2, 0.71)])]  # fmt: skip
    others = [trial(4, 3, [0.9]), trial(5, 3, [0.95], repeat=1)]
    found = of(history(*finals, *others))
    assert (found.among, found.fewest, found.most) == (2, 2, 2)
    assert found.probability > 0.95


def test_many_repeated_configurations_share_the_spread_of_the_best_ten(repeated):
    runs = {layers: [0.9 - layers / 100, 0.91 - layers / 100] for layers in range(1, 30)}
    assert of(repeated(runs)).among == 10


@pytest.mark.parametrize("freedom", [1, 2, 3, 5, 10, 11, 17, 30, 100, 5000])
def test_half_the_interval_of_a_mean_is_students_quantile_of_standard_errors(freedom):
    scores = [float(number % 2) for number in range(freedom + 1)]
    error = math.sqrt(stats.describe(scores).variance / len(scores))
    assert half_width(scores) == pytest.approx(stats.t.ppf(0.975, freedom) * error, rel=1e-9)


def test_three_runs_have_the_interval_of_the_tables():
    assert half_width([0.7, 0.8, 0.75]) == pytest.approx(4.30265 * 0.05 / math.sqrt(3), rel=1e-5)


def test_the_mean_of_equal_scores_has_an_interval_of_no_width():
    assert half_width([0.5, 0.5, 0.5]) == 0.0
    assert half_width([0.5]) is None
