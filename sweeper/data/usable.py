"""Whether images can be trained on: of two classes, nearly all readable, on both sides of the split."""

from pathlib import Path

from sweeper.config.sections import DatasetSpec
from sweeper.data.class_check import check_classes, check_readable
from sweeper.data.dataset import DataFacts
from sweeper.data.sources.parts.looks_like import looks_like
from sweeper.errors import DataError


def refuse_unusable(spec: DatasetSpec, facts: DataFacts) -> None:
    """DataError for images that no trial could train on, before anything of a sweep is made."""
    where = f"dataset.root {spec.root}" if spec.root else f"dataset.source {spec.source}"
    filled = [name for name, count in zip(facts.classes, facts.per_class, strict=True) if count]
    check_classes(filled, where, _other_source(spec))
    check_readable(facts.max_bad, facts.images, facts.bad, where)
    for split in ("train", "valid"):
        if not facts.per_split[split]:
            raise DataError(
                f"the {split} split is empty: {facts.images:,} images of {len(filled)} classes are too few",
                where=where,
                hint=f"add images, or raise dataset.split.{split}",
            )


def _other_source(spec: DatasetSpec) -> str:
    """Return how to name the source that the root looks like, where that is another one."""
    root = Path(spec.root or "").expanduser()
    if not spec.root or not root.exists():
        return ""
    likely = looks_like(root)
    if likely.source in ("", spec.source, "image_folder"):
        return ""
    return f"found {likely.said}: type -o dataset.source={likely.source} -o dataset.root={likely.root}"
