"""Knows USD an hour by instance: a table with source and date for each row, the user's own before ours.

The shape is that of SkyPilot's public catalog: a price is for the whole instance, so that of one GPU is
the price divided by how many it holds. An unknown price is None, never 0 and never a guess.
"""

import datetime
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveInt, ValidationError

from sweeper.config.yaml_document import Document, read_document
from sweeper.errors import SpecError
from sweeper.registry import first_problem, nearest

Market = Literal["on_demand", "spot"]
INSTANCE_LABEL, MARKET_LABEL = "sweeper.io/instance", "ray.io/market-type"
_SHIPPED = (Path(__file__).with_name("prices.yaml"), Path(__file__).parents[2] / "cluster" / "prices.yaml")
_UNITS = "prices are USD per hour of a whole instance"


class Price(BaseModel):
    """One row of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cloud: str = Field(min_length=1)
    instance: str = Field(min_length=1)
    gpu: str = Field(min_length=1)
    count: PositiveInt
    on_demand: FiniteFloat | None = Field(default=None, gt=0)
    spot: FiniteFloat | None = Field(default=None, gt=0)
    region: str = ""
    currency: str = "USD"
    source: str = Field(min_length=1)
    date: datetime.date

    def of_one_gpu(self, market: Market) -> float | None:
        """Return USD for an hour of one of its GPUs; None where this market has no price."""
        whole = self.spot if market == "spot" else self.on_demand
        return None if whole is None else whole / self.count


@dataclass(frozen=True, slots=True)
class GpuPrice:
    """A price with its provenance, as it is written beside each cost. `date` is empty for a flat price."""

    usd_per_gpu_hour: float
    source: str
    date: str = ""
    market: Market = "on_demand"


class PriceBook:
    """The table. Of equal rows the dearest counts, because a quote should rather be too high."""

    def __init__(
        self, prices: Sequence[Price] = (), *, flat: float | None = None, instance: str = ""
    ) -> None:
        if flat is not None and not 0 < flat < float("inf"):
            raise SpecError(f"usd_per_gpu_hour: {flat:g} is not a price", hint="write USD an hour, above 0")
        self.prices = tuple(prices)
        self._flat = flat
        self._instance = instance

    def find(
        self, instance: str, *, market: Market = "on_demand", cloud: str = "", region: str = ""
    ) -> GpuPrice | None:
        """Return the price of one GPU of that instance, None if unknown. A flat price beats the table."""
        if self._flat is not None:
            return GpuPrice(self._flat, "usd_per_gpu_hour", market=market)
        quotes: list[GpuPrice] = []
        for row in self.prices:
            if row.instance != instance or (cloud and row.cloud != cloud):
                continue
            if region and row.region and row.region != region:
                continue
            if (price := row.of_one_gpu(market)) is not None:
                quotes.append(GpuPrice(price, row.source, row.date.isoformat(), market))
        return max(quotes, key=lambda quote: quote.usd_per_gpu_hour, default=None)

    def require(self, instance: str, *, market: Market = "on_demand") -> GpuPrice:
        """Find the price of an instance that the user named: SpecError with the nearest name if unknown."""
        quote = self.find(instance, market=market)
        if quote is None:
            known = {row.instance for row in self.prices if row.of_one_gpu(market) is not None}
            hint = nearest(instance, known) if known else "give usd_per_gpu_hour, or a prices file"
            raise SpecError(f"no {market.replace('_', '-')} price of {instance!r} is known", hint=hint)
        return quote

    def of_node(self, labels: Mapping[str, str]) -> GpuPrice | None:
        """Return the price of one GPU of a Ray node, found by its labels (see cluster/aws.yaml).

        A node without the label counts as the instance that the user named, where there is one.
        """
        market: Market = "spot" if labels.get(MARKET_LABEL) == "spot" else "on_demand"
        return self.find(labels.get(INSTANCE_LABEL, self._instance), market=market)


def load_prices(
    own: Path | None = None, *, usd_per_gpu_hour: float | None = None, instance: str = ""
) -> PriceBook:
    """Load prices: a flat one comes first, then the user's file (`own`, else `$SWEEPER_PRICES`), then ours.

    A row of the user's own hides every shipped row of that instance. `instance` is that of nodes
    without a label; SpecError with the nearest name where no row has it.
    """
    configured = os.environ.get("SWEEPER_PRICES")
    path = own or (Path(configured) if configured else None)
    mine = read_prices(path) if path else ()
    named = {row.instance for row in mine}
    shipped = next((file for file in _SHIPPED if file.is_file()), None)
    others = [row for row in (read_prices(shipped) if shipped else ()) if row.instance not in named]
    book = PriceBook([*mine, *others], flat=usd_per_gpu_hour, instance=instance)
    if instance:
        book.require(instance)
    return book


def read_prices(path: Path) -> tuple[Price, ...]:
    """Read one price file; SpecError with file and line for what is wrong in it."""
    document = read_document(path)
    rows = _rows(document)
    prices: dict[tuple[str, str, str], Price] = {}
    for number, row in enumerate(rows):
        where = document.where(f"prices.{number}")
        price = _price(row, where)
        key = (price.cloud, price.instance, price.region)
        if key in prices:
            raise SpecError(f"{price.instance} is priced twice", where=where, hint="keep one row")
        prices[key] = price
    return tuple(prices.values())


def _rows(document: Document) -> list[object]:
    known = ("prices", "currency")
    for key in document.data:
        if key not in known:
            raise SpecError(f"unknown key {key!r}", where=document.where(key), hint=nearest(key, known))
    if (currency := document.data.get("currency", "USD")) != "USD":
        where = document.where("currency")
        raise SpecError(f"currency: {currency!r} found", where=where, hint=f"{_UNITS}; convert them")
    rows = document.data.get("prices")
    if not isinstance(rows, list):
        raise SpecError(
            "no list `prices:` is in the file", where=document.name, hint="see cluster/prices.yaml"
        )
    return cast("list[object]", rows)


def _price(row: object, where: str) -> Price:
    try:
        price = Price.model_validate(row)
    except ValidationError as error:
        raise SpecError(str(first_problem(error)), where=where, hint=_UNITS) from error
    if price.currency != "USD":
        raise SpecError(f"currency: {price.currency!r} beside USD", where=where, hint=f"{_UNITS}; convert it")
    if price.on_demand is None and price.spot is None:
        raise SpecError(f"{price.instance} has no price", where=where, hint="give on_demand, spot or both")
    return price
