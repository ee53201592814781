"""The price of stored images by storage class and Region."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_ecr_preview.core.ecr_values import ARCHIVE, STANDARD, STORAGE_CLASSES
from airflow_provider_ecr_preview.core.parameters.forms import shown
from airflow_provider_ecr_preview.core.parameters.values import mapping

GIGABYTE = 1_000_000_000


MICROS = 1_000_000
"""Costs are added in millionths of a dollar, so that sums agree in whatever order they are made."""


DEFAULT_PRICES: Mapping[str, float] = {STANDARD: 0.10, ARCHIVE: 0.10}
"""US dollars for a gigabyte and month, as of November 2026 for us-east-1, by https://aws.amazon.com/ecr/pricing/.

The archive has a lower price from 150 TB on, which the settings can name; its retrieval fee is not part of the price.
"""


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of a gigabyte and month, in US dollars.

    :param by_class: the price of each storage class.
    :param by_region: the prices of Regions that differ, by Region and storage class.
    """

    by_class: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_PRICES))
    by_region: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Mapping[str, object] | str | None, standard: float = DEFAULT_PRICES[STANDARD]) -> Prices:
        """Return the prices of a setting.

        :param value: prices by storage class, as ``{"standard": 0.10, "archive": 0.10}``, and under ``regions`` the same by
            Region; JSON text or a dict. What it leaves out has the default.
        :param standard: the default for the storage class ``standard``.
        :raises ValueError: if it is not of this form, or a price is not a number from 0 on.
        """
        given = mapping(value or {}, "prices")
        regions = mapping(given.get("regions") or {}, "prices['regions']")
        by_class = {**DEFAULT_PRICES, STANDARD: _price(standard, "price_per_gb_month")}
        by_class |= _by_class({name: price for name, price in given.items() if name != "regions"}, "prices")
        return cls(
            by_class,
            {
                region: _by_class(mapping(prices, f"prices['regions'][{region!r}]"), f"prices['regions'][{region!r}]")
                for region, prices in regions.items()
            },
        )

    def micros(self, size: int, storage_class: str, region_name: str | None) -> int:
        """Return the cost of stored bytes for a month, in millionths of a US dollar.

        :param size: the bytes.
        :param storage_class: ``STANDARD`` or ``ARCHIVE``.
        :param region_name: the Region.
        """
        price = self.by_region.get(region_name or "", {}).get(storage_class, self.by_class[storage_class])
        return round(size * price * MICROS / GIGABYTE)


def _by_class(prices: Mapping[str, object], parameter: str) -> dict[str, float]:
    known = {}
    for name, price in prices.items():
        if name.upper() not in STORAGE_CLASSES:
            raise ValueError(f"{parameter} holds {shown(name)}. Name the storage class standard or archive.")
        known[name.upper()] = _price(price, f"{parameter}[{name!r}]")
    return known


def _price(price: object, parameter: str) -> float:
    if isinstance(price, bool) or not isinstance(price, int | float) or not math.isfinite(price) or price < 0:
        raise ValueError(f"{parameter} is {shown(price)}. Use a number of US dollars from 0 on.")
    return float(price)
