from sweeper.training.core_time import CoreTime


def test_work_takes_time_on_a_core_and_nothing_goes_backwards():
    before = CoreTime.now()
    sum(number * number for number in range(100_000))
    told = CoreTime.now().since(before)
    assert told["cpu_seconds"] > 0
    assert told["core_wait_seconds"] >= 0


def test_a_thread_that_ended_in_between_makes_no_negative_wait():
    assert CoreTime(2.0, 1.0).since(CoreTime(1.0, 5.0)) == {"cpu_seconds": 1.0, "core_wait_seconds": 0.0}
