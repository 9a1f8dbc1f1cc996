"""Workers on a virtual clock: whoever drives a peer hears what it found, of which configuration, and when."""

import numpy as np
from parts.virtual_workers import drive


class Peer:
    """Proposes numbers one after the other and stops the first after an epoch."""

    def __init__(self):
        self.ended_at = []

    def ask(self):
        number = len(self.ended_at)
        return number, {"number": number}

    def goes_on(self, handle, epoch, score):
        return handle > 0

    def ended(self, handle, epoch, score):
        self.ended_at.append((handle, epoch))


def test_each_new_best_comes_with_its_configuration_and_with_what_was_spent():
    peer = Peer()
    curves = {0: [[0.3, 0.9], [1.0, 2.0]], 1: [[0.2, 0.5], [2.0, 4.0]], 2: [[0.4, 0.4], [1.0, 2.0]]}

    found = drive(peer, lambda config: np.array(curves[config["number"]]), budget=6, workers=1)

    assert peer.ended_at[:2] == [(0, 1), (1, 2)]
    assert found.steps == [(1.0, 0.3), (5.0, 0.5)]
    assert [found.best(spent)["number"] for spent in (1.0, 4.9, 5.0, 6.0)] == [0, 0, 1, 1]
    assert found.trials == 3
