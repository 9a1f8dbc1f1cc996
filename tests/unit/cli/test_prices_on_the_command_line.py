"""Prices and budgets that cannot be meant are one clear line and exit 2, before anything is written."""

import pytest

ROW = "{cloud: us, instance: box, gpu: A100, count: 4, on_demand: 8.0, source: bill, date: 2026-11-01}"
FILES = {
    "negative": (ROW.replace("8.0", "-8.0"), "on_demand: found -8.0"),
    "zero": (ROW.replace("8.0", "0"), "on_demand: found 0"),
    "missing": (ROW.replace("on_demand: 8.0, ", ""), "box has no price"),
    "no number": (ROW.replace("8.0", "cheap"), "on_demand"),
    "another currency": (ROW.replace("source", "currency: EUR, source"), "currency: 'EUR' beside USD"),
    "no source": (ROW.replace("source: bill, ", ""), "source"),
    "not YAML": ("[", "not YAML"),
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """`own(text)`: a prices file of the user's, named by $SWEEPER_PRICES."""

    def build(text: str):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        monkeypatch.setenv("SWEEPER_PRICES", str(path))
        return path

    return build


@pytest.fixture
def refused(say, runs, digits):
    """Launches digits and says the one line with which it was refused; nothing may have been written."""

    def launch(*words: str) -> str:
        said = say("launch", digits, "--dry-run", *words)
        assert (said.code, said.out, said.err.count("\n")) == (2, "", 1), said.err
        assert not list(runs.iterdir())
        return said.err

    return launch


@pytest.mark.parametrize("case", FILES)
def test_a_bad_price_is_named_with_file_and_line(own, refused, case):
    row, complaint = FILES[case]
    path = own(f"currency: USD\nprices:\n  - {row}\n")
    error = refused()
    assert complaint in error
    assert f"{path}:" in error


def test_a_file_in_another_currency_is_refused_whole(own, refused):
    own(f"currency: EUR\nprices:\n  - {ROW}\n")
    error = refused()
    assert "currency: 'EUR' found" in error
    assert "prices are USD per hour" in error


def test_an_absent_or_unreadable_file_is_named(own, refused, monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEPER_PRICES", str(tmp_path / "nowhere.yaml"))
    assert "nowhere.yaml: there is no such file" in refused()
    monkeypatch.setenv("SWEEPER_PRICES", str(tmp_path))
    assert str(tmp_path) in refused()
    path = own("x")
    path.write_bytes(b"\xff\xfe\x00")
    assert "mine.yaml" in refused()


@pytest.mark.parametrize("price", ["0", "-1", "nan", "inf", "cheap", "1 EUR"])
def test_a_flat_price_must_be_a_price(refused, price):
    assert "usd" in refused("--usd-per-gpu-hour", price)


def test_an_unknown_instance_is_answered_with_the_nearest(refused):
    assert "did you mean 'g6.xlarge'" in refused("--instance", "g6.xlrge")


def test_a_resumed_sweep_asks_for_prices_that_can_be_read_too(make_run, say, own):
    make_run("toy", "stopped")
    own("currency: GBP\nprices: []\n")
    said = say("resume", "toy", "--runner", "simulated")
    assert (said.code, "GBP" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("override", "hint"),
    [
        ("budget.eur=5", "eur"),
        ("budget.gpu_minutes=5", "gpu_hours"),
        ("budget.usd=-5", "budget.usd"),
        ("budget.usd=0", "budget.usd"),
        ("budget.usd=5 EUR", "budget.usd"),
        ("budget.gpu_hours=.nan", "budget.gpu_hours"),
        ("objective.cost=eur", "objective.cost"),
    ],
)
def test_a_budget_in_unknown_units_is_refused_with_what_there_is(refused, override, hint):
    assert hint in refused("-o", override)


def test_a_plan_reads_the_same_prices(say, own, digits):
    own("currency: GBP\nprices: []\n")
    said = say("plan", digits)
    assert (said.code, "GBP" in said.err, said.out) == (2, True, "")


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_a_missing_price_is_said_and_the_sweep_goes_on(runs, say, digits):
    """A budget in USD cannot hold then; what is counted in hours still does."""
    limits = ("-o", "budget.usd=1", "-o", "budget.trials=3", "-o", "name=unpriced")
    said = say("launch", digits, "--runner", "simulated", *limits)
    assert said.code == 0, said.err
    assert said.err.count("budget.usd cannot hold: nobody knows what") == 1
    told = say("cost", "unpriced", "--json").json
    assert (told["usd"], told["billed_device_seconds"] > 0) == (None, True)
