import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.calibration import calibration_curve

from sweeper.inference.calibration import calibrate
from sweeper.inference.scores import Scores, score

CLASSES = tuple("abcdefgh")


def drawn(rows: int = 400, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(CLASSES), rows)
    logits = random.normal(0, 1, (rows, len(CLASSES))) + 1.5 * np.eye(len(CLASSES))[labels]
    return torch.from_numpy(logits).float(), torch.from_numpy(labels)


@pytest.fixture(scope="module")
def scored() -> tuple[Scores, torch.Tensor, torch.Tensor]:
    logits, labels = drawn()
    return score(logits, labels, CLASSES), logits, labels


def test_overall_figures_are_those_of_scikit_learn(scored) -> None:
    scores, logits, labels = scored
    chosen, shares = logits.argmax(1), logits.double().softmax(1).numpy()
    assert scores.images == 400
    assert scores.top1 == pytest.approx(metrics.accuracy_score(labels, chosen))
    assert scores.top5 == pytest.approx(metrics.top_k_accuracy_score(labels, shares, k=5))
    assert scores.loss == pytest.approx(metrics.log_loss(labels, shares), rel=1e-6)
    assert scores.balanced_top1 == pytest.approx(metrics.balanced_accuracy_score(labels, chosen))
    np.testing.assert_array_equal(scores.confusion, metrics.confusion_matrix(labels, chosen))


def test_figures_by_class_are_those_of_scikit_learn(scored) -> None:
    scores, logits, labels = scored
    chosen = logits.argmax(1)
    rows = scores.per_class()
    recall = metrics.recall_score(labels, chosen, average=None)
    precision = metrics.precision_score(labels, chosen, average=None)
    assert [row.top1 for row in rows] == pytest.approx(list(recall))
    assert [row.precision for row in rows] == pytest.approx(list(precision))
    for label, row in enumerate(rows):
        here = labels == label
        first_five = logits[here].topk(5).indices
        assert row.top5 == pytest.approx((first_five == label).any(1).float().mean().item())


def test_the_most_confused_pairs_come_first_and_right_answers_never() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2, 2])
    chosen = torch.tensor([0, 1, 1, 2, 1, 0, 2, 2, 1])
    scores = score(torch.nn.functional.one_hot(chosen, 3).float(), labels, ("x", "y", "z"))
    pairs = [(pair.true, pair.predicted, pair.images) for pair in scores.confused_pairs()]
    assert pairs == [("x", "y", 2), ("y", "x", 1), ("z", "y", 1), ("x", "z", 1)]
    assert scores.confused_pairs(1)[0].share == 0.5
    assert len(scores.confused_pairs(2)) == 2


def test_of_a_class_without_images_nothing_is_said() -> None:
    scores = score(torch.eye(3)[:2], torch.tensor([0, 1]), ("x", "y", "z"))
    row = scores.per_class()[2]
    assert (row.images, row.top1, row.top5, row.precision) == (0, None, None, None)
    assert scores.balanced_top1 == 1


def test_top_5_of_fewer_classes_is_clipped_and_says_so() -> None:
    scores = score(torch.eye(3), torch.tensor([2, 1, 0]), ("x", "y", "z"))
    assert (scores.k, scores.top1, scores.top5) == (3, 1 / 3, 1)


def test_the_reliability_table_is_that_of_scikit_learn(scored) -> None:
    scores, logits, labels = scored
    shares = logits.softmax(1)
    confidence, chosen = shares.max(1)
    accuracy, mean = calibration_curve((chosen == labels).numpy(), confidence.numpy(), n_bins=15)
    filled = [row for row in scores.calibration.bins if row.images]
    assert [row.accuracy for row in filled] == pytest.approx(list(accuracy))
    assert [row.confidence for row in filled] == pytest.approx(list(mean), rel=1e-5)
    gaps = [abs(row.accuracy - row.confidence) for row in filled]
    weights = [row.images / 400 for row in filled]
    assert scores.calibration.ece == pytest.approx(np.dot(gaps, weights))
    assert scores.calibration.worst == pytest.approx(max(gaps))


def test_a_network_that_is_always_sure_and_always_wrong_is_off_by_everything() -> None:
    shares = torch.eye(2)[[0, 0, 0]]
    assert calibrate(shares, torch.tensor([1, 1, 1])).ece == 1
    assert calibrate(shares, torch.tensor([0, 0, 0])).ece == 0
