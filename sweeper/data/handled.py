"""How many batches this process has handled: a sign of life within an epoch, for whoever watches it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Handled:
    """Counts what `batches` has handed out, of images and of vectors alike."""

    batches: int = 0


HANDLED = Handled()
"""That of this process."""
