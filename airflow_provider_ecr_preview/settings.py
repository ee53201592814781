"""The ``[ecr_preview]`` section of Airflow's configuration, as ``get_provider_info`` describes it."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow.configuration import conf

SECTION = "ecr_preview"


TAB_ROUTE = "ecr-preview"
"""The end of the address of a task's tab."""


RUN_TAB_ROUTE = "ecr-preview-run"
"""The end of the address of the tab of a run."""


ASSET_GROUP = "ecr-preview"
"""The group of the assets that stand for audits, by which Airflow 3.4 shows their audits on their pages."""


DEFAULT_PRICE_PER_GB_MONTH = 0.10


def tabs_are_shown() -> bool:
    """Return whether the pages are shown in the Airflow UI."""
    return conf.getboolean(SECTION, "tabs", fallback=True)


def reports_paths() -> list[str]:
    """Return the folders below which image lists may be opened; no list is opened if there are none."""
    return [path.strip() for path in conf.get(SECTION, "reports_path", fallback="").split(",") if path.strip()]


def price_per_gb_month() -> float:
    """Return the price of one gigabyte of images for a month."""
    return conf.getfloat(SECTION, "price_per_gb_month", fallback=DEFAULT_PRICE_PER_GB_MONTH)


def price_setting() -> str | None:
    """Return the prices by storage class and Region, as JSON; None if there is no such setting."""
    return conf.get(SECTION, "prices", fallback="") or None


def base_path() -> str:
    """Return the path of Airflow's own address, without the slash at its end."""
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
