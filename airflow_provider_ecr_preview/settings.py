"""The ``[ecr_preview]`` section of Airflow's configuration, as ``get_provider_info`` describes it."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow.configuration import conf

SECTION = "ecr_preview"


TAB_ROUTE = "ecr-preview"
"""What the address of the tab of a task ends with."""


DEFAULT_PRICE_PER_GB_MONTH = 0.10


def tabs_are_shown() -> bool:
    """Return whether the pages are shown in the Airflow UI."""
    return conf.getboolean(SECTION, "tabs", fallback=True)


def reports_paths() -> list[str]:
    """Return the folders below which image lists may be opened; none means that no list is."""
    return [path.strip() for path in conf.get(SECTION, "reports_path", fallback="").split(",") if path.strip()]


def price_per_gb_month() -> float:
    """Return what a gigabyte of images costs in a month."""
    return conf.getfloat(SECTION, "price_per_gb_month", fallback=DEFAULT_PRICE_PER_GB_MONTH)


def base_path() -> str:
    """Return the path that Airflow's own address begins with, without the slash at its end."""
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
