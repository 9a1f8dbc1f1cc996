from pathlib import Path

import pytest

from sweeper.store import lease

FILE = """\
name: digits
dataset: {source: digits}
parameters:
  pixels: [8]
  layers: {min: 1, max: 2}
  filters: {values: [4, 8], per: layers}
  optimizer: [adamw, sgd]
train: {epochs: 2}
objective: {metric: valid/top1}
budget: {trials: 3}
"""


@pytest.fixture
def file(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "digits.yaml"
    path.write_text(FILE)
    return str(path)


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_a_plan_shows_space_images_and_networks_layer_by_layer(file, say) -> None:
    said = say("plan", file)
    assert (said.code, said.err) == (0, "")
    assert "12 configurations of 4 parameters" in said.out
    assert "3 trials, at most 2 epochs a trial" in said.out
    assert "1,797 from digits, grey, trained at 8 px" in said.out
    assert "1,259 to train, 359 to validate, 179 kept for the test" in said.out
    assert "10, 174 (8) to 183 (3) images each, imbalance 1.05" in said.out
    assert said.out.count("\nsample ") == 10  # a line in the table of networks, and a table of layers
    assert said.out.count("head.logits") == 5


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_json_counts_parameters_layer_by_layer(file, say) -> None:
    facts = say("plan", file, "--json").json
    assert facts["configurations"] == 12
    assert len(facts["samples"]) == 5
    for sample in facts["samples"]:
        assert sample["parameters"] == sum(layer["parameters"] for layer in sample["layers"])
        assert sample["flops"] == sum(layer["flops"] for layer in sample["layers"])
    assert sum(facts["data"]["classes"].values()) == facts["data"]["images"] == 1797


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_a_plan_says_what_would_train_as_one_and_quotes_a_place_for_each(file, say) -> None:
    assert "fuse       auto is off on a CPU" in say("plan", file).out
    fused = ("-o", "resources.fuse=3", "-o", "parameters.layers=[1]", "-o", "parameters.filters=[8]")
    facts = say("plan", file, *fused, "--json").json
    assert facts["fuse"]["size"] == facts["quote"]["slots"] == 3
    assert facts["quote"]["share"] == pytest.approx(1 / 3)
    assert "share their kind with another, at most" in facts["fuse"]["lines"][1]
    assert any("up to 3 trials share the device" in note for note in facts["quote"]["notes"])


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_overrides_count_and_named_points_come_first(file, say) -> None:
    points = 'points=[{"name": "tiny", "layers": 1, "filters": [4], "optimizer": "sgd"}]'
    facts = say("plan", file, "--json", "-o", "budget.trials=9", "-o", points).json
    assert facts["budget"]["trials"] == 9
    assert facts["overrides"][0].startswith("budget.trials")
    assert facts["samples"][0]["name"] == "tiny"
    assert facts["samples"][0]["configuration"]["layers"] == 1


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_warnings_are_shown(file, say) -> None:
    words = ("-o", "dataset={source: synthetic, classes: 4}", "-o", "objective.metric=valid/top5")
    assert "top-5 of 4 classes is always 100 %" in say("plan", file, *words).out


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_a_dry_run_prints_the_plan_and_writes_nothing(file, runs, say) -> None:
    said = say("launch", file, "--dry-run")
    assert (said.code, said.err) == (0, "")
    assert said.out == say("plan", file).out
    assert list(runs.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_a_launch_never_touches_a_sweep_that_exists(words, file, make_run, say) -> None:
    paths = make_run("digits", budget={"trials": 1})
    before = paths.record.read_bytes()
    said = say("launch", file, *words)
    assert said.code == 2
    assert "a sweep called 'digits' exists already" in said.err
    assert "`sweeper resume digits` goes on with it" in said.err
    assert paths.record.read_bytes() == before


def test_a_sweep_that_runs_is_named_with_who_runs_it(file, make_run, say) -> None:
    paths = make_run("digits", "interrupted")
    with lease.held(paths.root):
        launched, resumed = say("launch", file), say("resume", "digits")
    assert (launched.code, resumed.code) == (75, 75)
    assert launched.err == resumed.err
    assert "already run by process " in launched.err
    assert "`sweeper stop digits` stops it" in launched.err


BAD = [
    ("parameters.layers=[9]", "found 9, input should be less than or equal to 8"),
    ("parameters.filers=[1]", "did you mean 'filters'"),
    ("dataset.source=digitz", "did you mean 'digits'"),
]


@pytest.mark.parametrize(("override", "words"), BAD, ids=[row[0] for row in BAD])
@pytest.mark.parametrize("verb", ["plan", "launch"])
def test_what_cannot_be_meant_is_one_line_and_nothing_is_written(
    verb, override, words, file, runs, say
) -> None:
    said = say(verb, file, "-o", override)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert words in said.err
    assert list(runs.iterdir()) == []


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_a_recipe_is_said_with_what_it_stands_for_and_what_the_file_sets_itself(file, say) -> None:
    said = say("plan", file, "-o", "recipe=fast", "-o", "parameters.whitening=false")
    (line,) = [line for line in said.out.splitlines() if line.startswith("recipe")]
    assert line.startswith("recipe     fast: learning_rate=0.03 momentum=0.6 schedule=warmup_stable_decay")
    assert line.endswith("; the file sets optimizer, whitening itself")
    facts = say("plan", file, "--json", "-o", "recipe=fast").json["recipe"]
    assert (facts["name"], facts["stands_for"]["whitening"]) == ("fast", True)
    assert "plain: the defaults of every key" in say("plan", file).out


REFUSED = [
    (["recipe=quick"], "recipe: found 'quick', expected study2017, plain or fast"),
    (
        ["parameters={architecture: pretrained, weights: none, pixels: 32}"],
        "weights: none with freeze: all keeps random weights that never learn; write freeze: none",
    ),
    (
        ["parameters={architecture: pretrained, backbone: vgg11, weights: none, freeze: none, pixels: 16}"],
        "vgg11 takes images of at least 32 px, found 16",
    ),
    (
        ["recipe=fast", "parameters.flip_horizontal=true"],
        "parameters.flip_horizontal: flip_alternating and flip_horizontal both mirror the images",
    ),
]


@pytest.mark.parametrize(("overrides", "message"), REFUSED, ids=[row[1][:20] for row in REFUSED])
@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_what_cannot_be_trained_is_refused_in_one_line_before_anything_is_made(
    file, say, runs: Path, overrides: list[str], message: str
) -> None:
    said = say("launch", file, *(part for each in overrides for part in ("-o", each)))
    assert said.code == 2
    assert message in said.err
    assert len(said.err.splitlines()) == 1
    assert not (runs / "digits").exists()
