import pytest

FILE = """\
name: other
dataset: {source: digits}
parameters:
  layers: {min: 1, max: 5}
  learning_rate: {distribution: log_uniform_values, min: 1.0e-4, max: 1.0e-1}
train: {epochs: 9}
search: {algorithm: random, seed: 7}
scheduler: {type: asha, grace: 1, reduction_factor: 3}
budget: {trials: 9}
objective: {metric: valid/top1}
"""


@pytest.fixture
def file(tmp_path, runs) -> str:
    path = tmp_path / "other.yaml"
    path.write_text(FILE)
    return str(path)


def test_the_curves_of_a_sweep_are_replayed(file, make_run, say) -> None:
    make_run("toy")
    said = say("simulate", file, "--from", "toy", "--workers", "2", "--seeds", "2")
    assert said.code == 0, said.err
    assert "2 workers, 2 seeds, the curves of toy" in said.err
    assert "as written" in said.out


def test_losses_and_preemptions_cost_attempts_side_by_side_with_other_settings(file, say) -> None:
    words = ("--losses", "20", "--preemptions", "40", "--compare", "scheduler={type: none}", "--json")
    rows = say("simulate", file, "--seeds", "2", *words).json
    assert [row["settings"] for row in rows] == ["as written", "scheduler={type: none}"]
    runs = [run for row in rows for run in row["runs"]]
    assert sum(run["attempts"] for run in runs) > sum(run["trials"] for run in runs)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--workers", "0"), "0 is not in the range"),
        (("--losses", "-1"), "-1.0 is not in the range"),
        (("--from", "absent"), "no sweep is called 'absent'"),
        (("--compare", "scheduler.kin=stop"), "did you mean 'kind'"),
    ],
)
def test_wrong_options_are_refused(words, complaint, file, say) -> None:
    said = say("simulate", file, *words)
    assert said.code == 2
    assert complaint in said.err
