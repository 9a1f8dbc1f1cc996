"""What guessing scores: the level with which every score of a sweep is compared."""

import json
import re
from collections.abc import Mapping, Sequence

from sweeper.wording import is_accuracy, score_text

_TOP = re.compile(r"(balanced_)?top(\d+)$")
FEW = 10
"""Classes up to which top-5 hardly tells networks apart: guessing is right half of the time."""
_EASY = 0.5
_SKEWED = 1.5
"""A guess is worth a word from this score on, where it is so many times that of a set of equal classes."""


def chance_level(metric: str, images: Sequence[int] | None) -> float | None:
    """The best score of an answer that looks at no image; None for what is no accuracy.

    `images` are those of each class on the validation split. For top-k the answer is the k largest classes,
    so that their share is the level; where each class counts alike it is k of n.
    """
    found = _TOP.search(metric)
    if not found or not images:
        return None
    top = int(found.group(2))
    if found.group(1) or not sum(images):
        return min(1.0, top / len(images))
    return sum(sorted(images)[-top:]) / sum(images)


def is_always_right(metric: str, images: Sequence[int] | None) -> bool:
    """Whether every network scores 100 %: a top-k of k classes or fewer."""
    found = _TOP.search(metric)
    return bool(found and images and int(found.group(2)) >= len(images))


def chance_note(metric: str, images: Sequence[int] | None) -> str:
    """What is to be said of a metric that guessing does well at; "" of any other."""
    level = chance_level(metric, images)
    if level is None or not images:
        return ""
    if is_always_right(metric, images):
        name = metric.rpartition("/")[2].replace("top", "top-")
        return f"{name} of {len(images)} classes is always 100 %: use objective.metric: valid/top1"
    even = chance_level(metric, [1] * len(images)) or 0.0
    if level < _EASY or level <= _SKEWED * even:
        return ""
    return f"{guess_text(metric, images)}: objective.metric: valid/balanced_top1 counts every class alike"


def guess_text(metric: str, images: Sequence[int]) -> str:
    """`naming the largest class every time scores 94.8 %`."""
    found = _TOP.search(metric)
    top = int(found.group(2)) if found else 1
    who = "the largest class" if top == 1 else f"the {top} largest classes"
    return f"naming {who} every time scores {score_text(metric, chance_level(metric, images))}"


def images_per_class(meta: Mapping[str, str]) -> tuple[int, ...] | None:
    """A record's validation images by class; as many of each where it tells the classes alone."""
    if "valid_images" in meta:
        return tuple(json.loads(meta["valid_images"]))
    return (1,) * len(json.loads(meta["classes"])) if "classes" in meta else None


def images_behind(metric: str, meta: Mapping[str, str]) -> int:
    """How many validation images a score is a share of; 0 for a loss, and for a record that does not tell."""
    return sum(json.loads(meta.get("valid_images", "[]"))) if is_accuracy(metric) else 0
