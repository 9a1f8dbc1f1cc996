"""This module finds everything that is wrong with a sweep file and needs no image to be seen."""

from collections.abc import Sequence

from sweeper.config.salvage import section_of
from sweeper.config.spec import SweepSpec, read_spec
from sweeper.data.listing import listed_images
from sweeper.errors import DataError, Mistakes, SpecError, together
from sweeper.launch.check_tracking import check_tracking
from sweeper.launch.warm_start import known_events
from sweeper.plan.check_objective import objective_notes
from sweeper.plan.check_spec import check_spec


def checked_spec(file: str, overrides: Sequence[str]) -> SweepSpec:
    """Return the sweep; SpecError with every mistake of the file, of its grammar and of what it names."""
    spec, grammar = read_spec(file, overrides)
    if spec is None:
        raise together(grammar)
    wrong = {section_of(each) for each in grammar}
    behind = Mistakes()
    for check in (check_spec, check_tracking, _check_earlier):
        with behind.collected():
            check(spec)
    mistakes = [*grammar, *(each for each in behind if section_of(each) not in wrong)]
    if mistakes:
        raise together(sorted(mistakes, key=_line_of))
    return spec


def image_warnings(spec: SweepSpec) -> list[str]:
    """Whether the objective can tell networks apart, by the names of the images; or why they are not known.

    DataError where no root is given to a source that needs one: on no machine would there be images.
    """
    try:
        images = listed_images(spec.dataset)
    except DataError as error:
        if spec.dataset.root is None:
            raise
        return [f"the images were not looked at: {error}"]
    return list(objective_notes(spec, list(images.values())))


def _check_earlier(spec: SweepSpec) -> None:
    """Refuse earlier sweeps that are not there or ranked otherwise; which images they saw is `plan`'s."""
    known_events(spec, "")


def _line_of(mistake: SpecError) -> int:
    """Return the mistake's line in the sweep file; 0, the first, for an override or the whole file."""
    line = mistake.where.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0
