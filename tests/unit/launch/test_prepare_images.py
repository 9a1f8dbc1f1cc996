from dataclasses import dataclass, field

from sweeper.launch.prepare_images import FIRST_SECONDS, Decoding
from sweeper.runners.simulated import VirtualClock


@dataclass
class Listener:
    said: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.said.append(text)


def test_decoding_that_is_quick_says_nothing():
    listener, clock = Listener(), VirtualClock()
    decoding = Decoding(listener.note, clock)
    for done in range(100):
        clock.now += FIRST_SECONDS / 200
        decoding(done, 100)
    assert listener.said == []


def test_decoding_that_takes_minutes_says_how_far_it_is_now_and_then():
    listener, clock = Listener(), VirtualClock()
    decoding = Decoding(listener.note, clock)
    for done in range(1000, 4000):
        clock.now += 0.01
        decoding(done, 31_000)
    assert len(listener.said) == 3, "after 1, 11 and 21 seconds"
    assert listener.said[0].endswith("of 31,000")
