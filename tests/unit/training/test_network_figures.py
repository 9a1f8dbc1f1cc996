import torch

from sweeper.config.sections import TrainSpec
from sweeper.models.parts.count import count, flops
from sweeper.training.loop import train
from sweeper.training.network import build
from sweeper.training.network_figures import FIGURES, network_figures
from sweeper.training.recipe import compose
from sweeper.trial import Trial

CPU = torch.device("cpu")
CONFIG = {"pixels": 8, "layers": 2, "filters": 8, "learning_rate": 0.02}


def test_a_network_is_timed_on_one_image_and_left_in_training():
    seen = []
    module = build(compose(CONFIG, TrainSpec()), shape=(1, 8, 8), classes=4)
    module.register_forward_pre_hook(lambda module, images: seen.append((len(images[0]), module.training)))
    found = network_figures(module, (1, 8, 8), device=CPU, dtype=torch.float32)
    assert found["milliseconds"] > 0
    assert (found["parameters"], found["operations"]) == (count(module), flops(module, (1, 8, 8)))
    timed = [number for number, _ in seen if number]  # counting passes no image
    assert timed == [1] * 24
    assert not any(was_training for _, was_training in seen)
    assert module.training


def test_trials_that_are_asked_report_what_their_network_takes_measured_once(patterns, tmp_path):
    def run(trial, **options):
        recipe = compose(CONFIG, TrainSpec(epochs=3, batch_size=32))
        return train(
            trial, patterns, recipe, objective="valid/top1", device=CPU, checkpoints=tmp_path, **options
        )

    running = run(Trial("t", 1, CONFIG, 3), is_sized=True)
    first = next(running)
    running.close()
    second = Trial("t", 1, CONFIG, 3, 2, checkpoint=first.checkpoint, epoch=1)
    rest = list(run(second, is_sized=True))
    assert {tuple(each.metrics[name] for name in FIGURES) for each in (first, *rest)} == {
        tuple(first.metrics[name] for name in FIGURES)
    }
    assert not set(FIGURES) & set(next(run(Trial("u", 1, CONFIG, 3))).metrics)
