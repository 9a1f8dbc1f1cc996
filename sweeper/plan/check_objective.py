"""This module checks whether the objective can tell networks apart on these images."""

from collections.abc import Iterator, Sequence

from sweeper.config.sections import DatasetSpec
from sweeper.config.spec import SweepSpec
from sweeper.data.listing import listed_images
from sweeper.errors import DataError
from sweeper.sweep.chance import FEW, chance_note, guess_text, is_always_right
from sweeper.wording import is_accuracy


def objective_notes(spec: SweepSpec, images: Sequence[int]) -> Iterator[str]:
    """Return warnings about the objective; `images` are those of each class on which trials are compared."""
    if note := chance_note(spec.objective.metric, images):
        yield note
    if spec.objective.min_top5 is not None and is_always_right("valid/top5", images):
        yield f"objective.min_top5 keeps nothing out: top-5 of {len(images)} classes is always 100 %"
    if spec.objective.mode == "pareto" and spec.search.algorithm == "gp":
        yield "objective.mode: gp proposes for the score alone; `tpe` and `nsga2` know score and cost"
    if spec.scheduler.options.get("ties") == "together" and not is_accuracy(spec.objective.metric):
        yield f"scheduler.ties: the noise of {spec.objective.metric} is not known, so the place alone decides"


def fitting_metric(dataset: DatasetSpec) -> tuple[str, str]:
    """The metric that tells networks apart on these images, and why that one; lists names, reads no image."""
    try:
        listed = listed_images(dataset)
    except DataError:  # `init` says what it is
        return "valid/top5", "the classes could not be counted"
    classes, images = len(listed), list(listed.values())
    if chance_note("valid/top1", images):
        return "valid/balanced_top1", guess_text("valid/top1", images)
    if classes <= FEW:
        return "valid/top1", f"{classes} classes are too few for top-5"
    return "valid/top5", f"{classes} classes"
