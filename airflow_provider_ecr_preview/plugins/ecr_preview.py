"""The plugin that shows previews and audits in the Airflow UI."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow import __version__ as airflow_version
from airflow.plugins_manager import AirflowPlugin

from airflow_provider_ecr_preview.plugins.bundle import bundle_version
from airflow_provider_ecr_preview.plugins.lazy_app import LazyApp
from airflow_provider_ecr_preview.settings import ASSET_GROUP, RUN_TAB_ROUTE, TAB_ROUTE, base_path, tabs_are_shown

URL_PREFIX = "/ecr-preview"


_ASSET = ("asset", "ECR preview", "ecr-preview-asset")
"""The page of an asset, which takes plugins from Airflow 3.4 on; earlier releases refuse a plugin that names it."""


_PLACES = (
    ("task_instance", "ECR preview", TAB_ROUTE),
    ("dag_run", "ECR preview", RUN_TAB_ROUTE),
    ("nav", "ECR previews", "ecr-previews"),
    ("nav", "ECR history", "ecr-history"),
)
"""The place where a page is shown, its title there, and the end of its address."""


_OPERATORS = (
    "EcrApproveCleanupOperator",
    "EcrAuditLifecyclePoliciesOperator",
    "EcrCollectImagesInUseOperator",
    "EcrCompareLifecyclePoliciesOperator",
    "EcrDeletePreviewedImagesOperator",
    "EcrLifecyclePolicyPreviewSensor",
    "EcrListRepositoriesOperator",
    "EcrMergeLifecycleAuditsOperator",
    "EcrPutLifecyclePolicyOperator",
    "EcrReadPolicyEventsOperator",
    "EcrRecommendLifecyclePolicyOperator",
    "EcrReconcileLifecycleOperator",
    "EcrReportPolicyEventsOperator",
    "EcrRestoreLifecyclePolicyOperator",
    "EcrStartLifecyclePolicyPreviewOperator",
    "EcrSummarizeLifecyclePolicyPreviewOperator",
)
"""The tasks that have the tab in Airflow 3.4 and later; earlier releases ignore this, and show it on every task."""


_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" fill="none" stroke="{colour}" stroke-width="5">'
    '<rect x="8" y="8" width="48" height="12" rx="3"/><rect x="8" y="26" width="48" height="12" rx="3"/>'
    '<rect x="8" y="44" width="48" height="12" rx="3" stroke-dasharray="7 4"/></svg>'
)
"""Stacked images, of which the last would go; where Airflow has no room for the title of a page, this stands for it."""


_APPLIES_TO = {"task_instance": {"operator_name": [*_OPERATORS]}, "asset": {"group": [ASSET_GROUP]}}


def react_apps() -> list[dict[str, Any]]:
    """Return the pages; none when they are turned off or were not built."""
    version = bundle_version()
    if version is None or not tabs_are_shown():
        return []
    return [
        {
            # The host looks for the component under this name, so main.tsx has it, too.
            "name": name,
            # Absolute, because Airflow 3.2 resolves no relative address.
            "bundle_url": f"{base_path()}{URL_PREFIX}/static/main.js?v={version}",
            "destination": destination,
            "url_route": route,
            # Greys of Airflow's own icons in its light and its dark mode.
            "icon": _icon("#3f4f63"),
            "icon_dark_mode": _icon("#d5dbe3"),
            **({"category": "browse"} if destination == "nav" else {}),
            **({"applies_to": _APPLIES_TO[destination]} if destination in _APPLIES_TO else {}),
        }
        for destination, name, route in (*_PLACES, *([_ASSET] if _shows_on_assets() else []))
    ]


def _icon(colour: str) -> str:
    return f"data:image/svg+xml,{quote(_ICON.format(colour=colour))}"


def _shows_on_assets() -> bool:
    return tuple(map(int, airflow_version.split(".")[:2])) >= (3, 4)


class EcrPreviewPlugin(AirflowPlugin):
    """Tabs on task instances and DAG runs, the page of the registry, and the application that they read from.

    ::

        [ecr_preview]
        reports_path = s3://aws_default@reports/ecr
        price_per_gb_month = 0.10
        tabs = True
    """

    name = "ecr_preview"
    react_apps = react_apps()
    fastapi_apps = [  # noqa: RUF012 - so AirflowPlugin has it
        {
            "name": "ECR preview",
            "app": LazyApp("airflow_provider_ecr_preview.plugins.web.app"),
            "url_prefix": URL_PREFIX,
        }
    ]
