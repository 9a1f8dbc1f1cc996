import math
from pathlib import Path

import pytest

from sweeper.cost.prices import PriceBook, load_prices, read_prices
from sweeper.errors import SpecError

ROW = (
    "{cloud: us, instance: box, gpu: A100, count: 4, on_demand: 8.0, spot: 2.0, "
    "source: bill, date: 2026-11-01}"
)
SHIPPED = Path(__file__).parents[3] / "cluster" / "prices.yaml"


def written(tmp_path: Path, *rows: str, head: str = "currency: USD") -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text("\n".join([head, "prices:", *(f"  - {row}" for row in rows)]) + "\n")
    return path


@pytest.fixture(autouse=True)
def _no_configured_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEEPER_PRICES", raising=False)


def test_a_gpu_costs_its_part_of_the_instance(tmp_path: Path) -> None:
    book = PriceBook(read_prices(written(tmp_path, ROW)))
    on_demand, spot = book.require("box"), book.require("box", market="spot")
    assert (on_demand.usd_per_gpu_hour, spot.usd_per_gpu_hour) == (2.0, 0.5)
    assert (on_demand.source, on_demand.date) == ("bill", "2026-11-01")


@pytest.mark.parametrize(
    ("instance", "market", "usd"),
    [
        ("g5.xlarge", "on_demand", 1.006),
        ("g5.xlarge", "spot", 0.4507),
        ("g6.12xlarge", "on_demand", 1.1504),
        ("gpu_8x_v100", "on_demand", 0.79),
        ("gpu_8x_a100_80gb_sxm4", "on_demand", 2.79),
        ("p4d.24xlarge", "on_demand", 21.957642 / 8),
        ("p5.48xlarge", "on_demand", 6.88),
        ("g4dn.12xlarge", "on_demand", 0.978),
        ("a2-highgpu-8g", "on_demand", 3.673385),
        ("g2-standard-96", "spot", 4.499264 / 8),
        ("Standard_NC96ads_A100_v4", "on_demand", 3.673),
        ("Standard_ND96isr_H100_v5", "on_demand", 12.29),
    ],
)
def test_the_shipped_table_gives_the_catalogs_prices(instance: str, market: str, usd: float) -> None:
    assert load_prices().require(instance, market=market).usd_per_gpu_hour == pytest.approx(usd)  # type: ignore[arg-type]


def test_every_shipped_row_names_source_and_date_and_is_plausible() -> None:
    rows = read_prices(SHIPPED)
    assert len(rows) >= 90
    assert {row.cloud for row in rows} == {"aws", "azure", "gcp", "lambda", "runpod"}
    for row in rows:
        assert "@" in row.source
        assert row.date.year >= 2026
        for price in (row.of_one_gpu("on_demand"), row.of_one_gpu("spot")):
            assert price is None or 0.05 < price < 20
        if row.spot and row.on_demand:
            assert row.spot <= row.on_demand


def test_what_nobody_knows_is_none_not_zero() -> None:
    book = load_prices()
    assert book.find("basement-pc") is None
    assert book.find("gpu_1x_a10", market="spot") is None
    assert book.of_node({}) is None


def test_an_instance_that_the_user_named_must_be_known() -> None:
    with pytest.raises(SpecError, match=r"g5\.xlarg.*did you mean 'g5\.xlarge'"):
        load_prices().require("g5.xlarg")


def test_a_node_finds_its_price_by_its_labels() -> None:
    labels = {"sweeper.io/instance": "g6.xlarge", "ray.io/market-type": "spot"}
    quote = load_prices().of_node(labels)
    assert quote is not None
    assert (quote.usd_per_gpu_hour, quote.market) == (0.4011, "spot")


def test_the_users_own_row_hides_the_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = written(tmp_path, ROW.replace("box", "g5.xlarge"), ROW)
    assert load_prices(own).require("g5.xlarge").usd_per_gpu_hour == 2.0
    monkeypatch.setenv("SWEEPER_PRICES", str(own))
    assert load_prices().require("box").usd_per_gpu_hour == 2.0
    assert load_prices().require("g6.xlarge").usd_per_gpu_hour == 0.8048


def test_a_flat_price_beats_every_table() -> None:
    quote = load_prices(usd_per_gpu_hour=0.6).find("anything")
    assert quote is not None
    assert (quote.usd_per_gpu_hour, quote.source, quote.date) == (0.6, "usd_per_gpu_hour", "")


def test_of_several_regions_the_dearest_is_quoted_unless_one_is_named(tmp_path: Path) -> None:
    here = ROW.replace("spot: 2.0", "region: here")
    there = ROW.replace("spot: 2.0", "region: there").replace("8.0", "10.0")
    book = PriceBook(read_prices(written(tmp_path, here, there)))
    assert book.require("box").usd_per_gpu_hour == 2.5
    quote = book.find("box", region="here")
    assert quote is not None
    assert quote.usd_per_gpu_hour == 2.0


@pytest.mark.parametrize("flat", [0.0, -1.0, math.inf, math.nan])
def test_a_flat_price_must_be_a_price(flat: float) -> None:
    with pytest.raises(SpecError, match="usd_per_gpu_hour"):
        load_prices(usd_per_gpu_hour=flat)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (ROW.replace("8.0", "-8.0"), "on_demand"),
        (ROW.replace("8.0", "0"), "on_demand"),
        (ROW.replace("8.0", ".nan"), "on_demand"),
        (ROW.replace("8.0", ".inf"), "on_demand"),
        (ROW.replace("8.0", "cheap"), "on_demand"),
        (ROW.replace("on_demand: 8.0, spot: 2.0", "region: x"), "no price"),
        (ROW.replace("count: 4", "count: 0"), "count"),
        (ROW.replace("count: 4, ", ""), "count"),
        (ROW.replace("source: bill, ", ""), "source"),
        (ROW.replace("date: 2026-11-01", "date: soon"), "date"),
        (ROW.replace("cloud: us", "currency: EUR, cloud: us"), "EUR"),
        (ROW.replace("spot", "spott"), "spott"),
        ("just text", "text"),
    ],
)
def test_a_bad_row_is_refused_with_file_and_line(row: str, complaint: str, tmp_path: Path) -> None:
    path = written(tmp_path, ROW.replace("box", "fine"), row)
    with pytest.raises(SpecError, match=complaint) as caught:
        read_prices(path)
    assert caught.value.where == f"{path}:4"
    assert caught.value.exit_code == 2


def test_the_same_instance_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="priced twice"):
        read_prices(written(tmp_path, ROW, ROW))


@pytest.mark.parametrize(
    ("head", "complaint"),
    [("currency: EUR", "EUR"), ("price: 3", "did you mean 'prices'"), ("a: [", "not YAML")],
)
def test_a_bad_head_is_refused(head: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=complaint):
        read_prices(written(tmp_path, ROW, head=head))


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"absent\.yaml: there is no such file"):
        load_prices(tmp_path / "absent.yaml")
    contents = {
        "noise": b"\xff\xfe\x00",
        "empty": b"",
        "list": b"- a\n",
        "huge": b"#" * 300_000,
        "no": b"a: 1",
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(SpecError, match=name):
            read_prices(path)


def test_a_node_without_a_label_is_what_the_user_says_it_is() -> None:
    book = load_prices(instance="g6.xlarge")
    named, labeled = book.of_node({}), book.of_node({"sweeper.io/instance": "g5.xlarge"})
    assert named is not None
    assert labeled is not None
    assert (named.usd_per_gpu_hour, labeled.usd_per_gpu_hour) == (0.8048, 1.006)
    with pytest.raises(SpecError, match=r"did you mean 'g6\.xlarge'"):
        load_prices(instance="g6.xlrge")
    flat = load_prices(usd_per_gpu_hour=0.5, instance="whatever").of_node({})
    assert flat is not None
    assert flat.usd_per_gpu_hour == 0.5
