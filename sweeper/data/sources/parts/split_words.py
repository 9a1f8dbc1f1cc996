"""Which names say that a folder or a file is a split: every spelling that people use."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from sweeper.data.sources import Split

_TRAIN = ("train", "training", "trainset", "trn", "trainval")
_VALID = ("valid", "val", "validation", "validate", "validset", "valset", "dev", "devel", "development")
_EVAL = ("eval", "evaluation")
_TEST = ("test", "testing", "tests", "testset", "tst", "holdout")
_WORDS: dict[str, Split] = {
    **dict.fromkeys(_TRAIN, "train"),
    **dict.fromkeys((*_VALID, *_EVAL), "valid"),
    **dict.fromkeys(_TEST, "test"),
}
_FILLERS = frozenset(
    (
        *("set", "sets", "data", "dataset", "datasets", "image", "images", "img", "imgs", "photo", "photos"),
        *("pic", "pics", "split", "folder", "dir", "files", "of", "the"),
    )
)
_UNLABELED = frozenset(("pred", "predict", "prediction", "unlabeled", "unlabelled"))
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def splits_among(names: Iterable[str]) -> dict[str, Split]:
    """Return which of these sibling folders are named like splits.

    A word such as `train` counts alone or among words that say nothing (`training_set`, `Train-images2017`).
    With another word (`seg_train`) it counts where a sibling differs in the split alone (`seg_test`): a
    `steam_train` beside `freight_train` is none.
    """
    groups: defaultdict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for name in names:
        words = _words(name)
        said = [word for word in words if word in _WORDS]
        if len(said) == 1:
            groups[tuple(word for word in words if word not in _WORDS)][name] = said[0]
    found: dict[str, Split] = {}
    for rest, members in groups.items():
        meaning = _meaning(members.values())
        if not rest or len({meaning[word] for word in members.values()}) > 1:
            found |= {name: meaning[word] for name, word in members.items()}
    return found


def split_of_file(path: str, meaning: Mapping[str, Split] | None = None) -> Split | None:
    """Return the split that a file's name says, or else the nearest folder's; `path` is below the root."""
    for part in reversed(path.split("/")):
        said = [word for word in _words(part) if word in _WORDS]
        if said:
            return (meaning or _WORDS)[said[-1]]
    return None


def meaning_of(paths: Iterable[str]) -> dict[str, Split]:
    """Return what each word means among these files: `eval` is the test split beside `dev`."""
    return _meaning(word for path in paths for part in path.split("/") for word in _words(part))


def is_unlabeled(name: str) -> bool:
    """Return whether the name says that nobody knows the labels (`seg_pred`)."""
    return not _UNLABELED.isdisjoint(_words(name))


def _meaning(words: Iterable[str]) -> dict[str, Split]:
    used = set(words)
    has_other_valid = not used.isdisjoint(_VALID)
    is_test = has_other_valid and used.isdisjoint(_TEST)
    return {**_WORDS, **dict.fromkeys(_EVAL, "test" if is_test else "valid")}


def _words(name: str) -> list[str]:
    if not name.isascii():
        return []
    tokens = (token.lower() for token in _TOKEN.findall(name))
    return [token for token in tokens if token not in _FILLERS]
