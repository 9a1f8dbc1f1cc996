"""Computes all figures of a trial's network on one split."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from sweeper.errors import DataError
from sweeper.inference.sample_mistakes import Mistake, sample_mistakes
from sweeper.inference.scores import Scores, score
from sweeper.inference.sensitivity import Sensitivity, sensitivity
from sweeper.inference.trained_network import Opened, TrainedModel

_BATCH = 256

Scored = Literal["valid", "test"]


@dataclass(frozen=True)
class Evaluation:
    """The figures of one network on one split, and pictures of what it got wrong."""

    model: TrainedModel
    split: Scored
    scores: Scores
    sensitivity: tuple[Sensitivity, ...]
    mistakes: tuple[Mistake, ...] = ()

    @property
    def headline(self) -> dict[str, float]:
        """What training reports of a split, under the same names."""
        scores, split = self.scores, self.split
        return {
            f"{split}/top1": scores.top1,
            f"{split}/top5": scores.top5,
            f"{split}/balanced_top1": scores.balanced_top1,
            f"{split}/loss": scores.loss,
        }

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics that a tracker gets; the figures of single classes go with the files."""
        split = self.split
        disturbed = {
            f"{split}/sensitivity/{row.name.replace('°', '').replace(' ', '_')}/{name}": value
            for row in self.sensitivity
            for name, value in (("top1", row.top1), ("top5", row.top5))
        }
        calibration = self.scores.calibration
        return {
            **self.headline,
            f"{split}/calibration_error": calibration.ece,
            f"{split}/calibration_worst": calibration.worst,
            **disturbed,
        }

    @property
    def facts(self) -> dict[str, Any]:
        """All figures as JSON; the confusion matrix has true classes as rows."""
        model, scores = self.model, self.scores
        return {
            "sweep": model.sweep,
            "trial": model.number,
            "id": model.id,
            "epoch": model.epoch,
            "split": self.split,
            "images": scores.images,
            "k": scores.k,
            "top1": scores.top1,
            "top5": scores.top5,
            "loss": scores.loss,
            "balanced_top1": scores.balanced_top1,
            "per_class": [asdict(row) for row in scores.per_class()],
            "confused_pairs": [asdict(pair) for pair in scores.confused_pairs()],
            "calibration": asdict(scores.calibration),
            "sensitivity": [asdict(row) for row in self.sensitivity],
            "classes": list(scores.classes),
            "confusion": scores.confusion.tolist(),
        }


def evaluate(opened: Opened, split: Scored) -> Evaluation:
    """Pass the split through the network nine times: as it is, and under each disturbance."""
    model, dataset = opened.model, opened.dataset
    if not dataset.size(split):
        raise DataError(f"the {split} split is empty", where=model.sweep, hint="evaluate the other: --split")
    answered = [
        (model.logits(images), labels)
        for images, labels in dataset.batches(split, batch_size=_BATCH, device=model.device)
    ]
    logits = torch.cat([logits for logits, _ in answered])
    labels = torch.cat([labels for _, labels in answered])
    return Evaluation(
        model,
        split,
        score(logits, labels, model.classes),
        tuple(sensitivity(opened, split)),
        tuple(sample_mistakes(logits, labels, model.classes, opened.pixel_batches(split))),
    )
