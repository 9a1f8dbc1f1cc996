"""The report in Debian's Chromium: drawn, hovered over, gone through by keyboard, narrow, by night."""

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sweeper.config.spec import parse_spec
from sweeper.inference.evaluation import evaluate
from sweeper.inference.evaluation_files import write_evaluation
from sweeper.inference.trained_network import open_trial
from sweeper.launch.create import create
from sweeper.plan.plan import make_plan
from sweeper.report.formats import written
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.stored_sweep import stored
from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.store.paths import SweepPaths, cache_root
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.training.trial_workload import Training
from sweeper.trial import Report

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is absent: apt-get install chromium"),
]
HEIGHT = 900
SPACE = {
    "layers": {"min": 1, "max": 4},
    "filters": {"values": [16, 32, 64], "per": "layers"},
    "learning_rate": {"min": 1e-4, "max": 1e-1, "distribution": "log_uniform_values"},
    "optimizer": ["adamw", "sgd"],
    "momentum": {"min": 0.5, "max": 0.95, "when": {"optimizer": "sgd"}},
    "pixels": [16, 32, 48],
}
CONTRAST = """() => {
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const parts = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parts(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && !["SCRIPT", "STYLE"].includes(element.tagName)
    && [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  return texts.map((element) => {
    const style = getComputedStyle(element);
    const ink = luminance(parts(element instanceof SVGElement ? style.fill : style.color));
    const paper = luminance(behind(element));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    return [Math.round(ratio * 100) / 100, element.textContent.trim().slice(0, 40)];
  }).filter(([ratio]) => ratio < 4.5);
}"""


def curves(trial) -> Iterator[Report]:
    """A curve that rises, the faster the more layers, and costs what its pixels do."""
    for epoch in range(1, 31):
        top = 0.4 + 0.1 * trial.config["layers"] + 0.05 * (trial.config["optimizer"] == "sgd")
        score = top * (1 - 0.9**epoch) + (trial.seed % 97) / 2000
        seconds = epoch * trial.config["pixels"] / 20
        yield Report(epoch, score, seconds, {"valid/top1": score, "valid/top5": min(1.0, score + 0.1)})


def recorded(name: str, trials: int) -> SweepPaths:
    """Return a sweep of so many trials of 30 epochs, run on a virtual clock."""
    spec = parse_spec(
        json.dumps(
            {
                "name": name,
                "dataset": {"source": "digits"},
                "parameters": SPACE,
                "train": {"epochs": 30},
                "objective": {"metric": "valid/top1"},
                "search": {"algorithm": "random", "seed": 7},
                "scheduler": {"type": "asha", "grace": 2, "reduction_factor": 3},
                "budget": {"trials": trials},
            }
        )
    )
    paths, clock = SweepPaths.of(name), VirtualClock()
    classes = json.dumps([f"<b>class {number}</b>" for number in range(10)])
    meta = {"sweep_id": "5" * 12, "name": name, "spec": json.dumps(spec.resolved()), "classes": classes}
    record = Record.create(paths.record, meta)
    sweep = Sweep(spec, record, clock=clock)
    runner["simulated"](clock=clock, workers=8)(sweep, curves, lambda: False)
    sweep.close()
    record.close()
    _evaluated(paths, stored(name))
    return paths


def _evaluated(paths: SweepPaths, sweep) -> None:
    """Write what `sweeper evaluate` would have of the winner."""
    names = [f"<i>{number}</i>" for number in range(10)]
    confusion = [[9 if row == column else (row + column) % 2 for column in range(10)] for row in range(10)]
    each = [
        {"name": name, "images": 14, "top1": 0.6 + n / 40, "top5": 1.0, "precision": 0.7}
        for n, name in enumerate(names)
    ]
    facts = {
        "split": "test", "images": 140, "classes": names, "confusion": confusion, "per_class": each,
        "confused_pairs": [{"true": names[0], "predicted": names[1], "images": 3, "share": 0.2}],
    }  # fmt: skip
    assert sweep.best is not None
    folder = paths.root / "evaluation" / str(sweep.best.number) / "test"
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text(json.dumps(facts))


DIGITS = """
name: digits
dataset: {source: digits, split: {train: 0.3, valid: 0.2, test: 0.5, seed: 1}}
parameters: {pixels: [8], filters: {values: [4, 8], per: layers}, layers: [1], learning_rate: [0.001, 0.01]}
train: {epochs: 2, batch_size: 64}
objective: {metric: valid/top1, cost: device_seconds}
search: {algorithm: random, seed: 1}
budget: {trials: 3}
"""


def trained() -> str:
    """Train a few networks on digits, evaluate the winner, and return the sweep's name."""
    spec, cache = parse_spec(DIGITS), cache_root()
    paths = SweepPaths.of(spec.name)
    record = create(spec, paths, make_plan(spec, cache))
    sweep = Sweep(spec, record)
    workload = Training(spec.dataset, spec.train, spec.objective.metric, cache, paths.checkpoints)
    runner["local"]()(sweep, workload, lambda: False)
    sweep.close()
    record.close()
    found = stored(spec.name)
    assert found.best is not None
    opened = open_trial(paths, found.meta, spec, found.best, device=torch.device("cpu"))
    write_evaluation(evaluate(opened, "test"), paths.root / "evaluation" / str(found.best.number) / "test")
    return spec.name


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """The reports of digits, of a sweep of 40 trials, of one of 1,000, and of two side by side."""
    root = tmp_path_factory.mktemp("reported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEPER_RUNS", str(root / "runs"))
        made: dict[str, Path] = {}
        for name, trials in (("small", 40), ("large", 1000)):
            recorded(name, trials)
            made[name] = root / f"{name}.html"
            made[name].write_text(written([Leaderboard(stored(name))], "html"))
        made["digits"] = root / "digits.html"
        made["digits"].write_text(written([Leaderboard(stored(trained()))], "html"))
        made["both"] = root / "both.html"
        made["both"].write_text(written([Leaderboard(stored(name)) for name in ("small", "large")], "html"))
    return made


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--enable-unsafe-swiftshader"]
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium):
    """`opened(path, width=1200, scheme="light")`: the page, drawn, and what its console complained of."""
    contexts = []

    def open_page(path: Path, width: int = 1200, scheme: str = "light"):
        context = chromium.new_context(
            viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, offline=True
        )
        contexts.append(context)
        page, complaints = context.new_page(), list[str]()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-drawn=yes]", timeout=300_000)
        return page, complaints

    yield open_page
    for context in contexts:
        context.close()


def test_an_offline_page_draws_every_figure_without_an_error(opened, pages):
    for name in ("digits", "small", "large", "both"):
        page, complaints = opened(pages[name])
        assert complaints == []
        marks = page.evaluate(
            """() => [...document.querySelectorAll(".plot")].map((plot) => [plot.id,
              plot.querySelectorAll(".point, .lines path, .hm image, .parcoords canvas, canvas").length])"""
        )
        assert len(marks) >= 9
        assert [place for place, count in marks if not count] == []


def test_pages_stay_small(pages):
    assert pages["small"].stat().st_size < 6e6
    assert pages["large"].stat().st_size < 12e6


def test_the_mouse_and_the_keyboard_make_a_dot_speak(opened, pages):
    page, _ = opened(pages["small"])
    plot = page.locator("#figure-front-0")
    plot.focus()
    said = []
    for _ in itertools.repeat(None, 2):
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#figure-front-0 .hovertext")
        said.append(page.locator("#said").text_content())
    assert said[0] != said[1]
    assert all("layers=" in (text or "") for text in said)
    page.keyboard.press("Escape")
    page.wait_for_selector("#figure-front-0 .hovertext", state="detached")
    page.locator("#figure-front-0 .point").first.hover(force=True)
    page.wait_for_selector("#figure-front-0 .hovertext")


def test_digits_that_name_classes_are_names_and_mistakes_are_pictures(opened, pages):
    page, _ = opened(pages["digits"])
    for place, axis in (("0", "x"), ("0", "y"), ("1", "x")):
        ticks = f"#figure-mistakes-{place} .{axis}tick text"
        page.wait_for_selector(ticks, state="attached")
        texts = page.locator(ticks).all_text_contents()
        assert sorted(texts) == list("0123456789")
    sizes = page.evaluate("[...document.querySelectorAll('.images img')].map((image) => image.naturalWidth)")
    assert sizes
    assert set(sizes) == {8}


def test_the_cells_of_a_matrix_are_said_by_keyboard(opened, pages):
    page, _ = opened(pages["digits"])
    page.locator("#figure-mistakes-0").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('#said').textContent")
    assert re.fullmatch(r"is 0, taken for \d: \d+ images", page.locator("#said").text_content() or "")


def test_paper_is_white_and_has_the_numbers_and_afterwards_all_is_as_before(opened, pages):
    page, complaints = opened(pages["digits"], scheme="dark")
    page.evaluate("document.querySelector('details').open = true")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    paper = "getComputedStyle(document.querySelector('#figure-front-0 .main-svg')).backgroundColor"
    page.wait_for_function(f"{paper} === 'rgb(255, 255, 255)'")
    assert page.evaluate(CONTRAST) == []
    page.emulate_media(media="screen", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 1
    assert complaints == []


def test_a_phone_scrolls_downwards_only(opened, pages):
    for name in ("small", "both"):
        page, _ = opened(pages[name], width=380)
        assert page.evaluate("document.documentElement.scrollWidth") <= 380


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_by_day_and_by_night(opened, pages, scheme):
    page, _ = opened(pages["small"], scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert page.evaluate(CONTRAST) == []


def test_names_are_shown_as_they_are_written(opened, pages):
    page, _ = opened(pages["small"])
    texts = page.evaluate(
        "[...document.querySelectorAll('#figure-mistakes-1 .xtick text')].map((t) => t.textContent)"
    )
    assert any("<i>" in text for text in texts)
    assert page.locator("section i").count() == 0
