"""Price what each rule of a previewed policy deletes."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.money.prices import MICROS, Prices
from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.xcom.preview import RuleSummary


def with_costs(
    summaries: Iterable[RuleSummary], rules: Iterable[Rule], prices: Prices, region_name: str | None
) -> list[RuleSummary]:
    """Return the rules of a summary, each with what the images that it deletes cost a month.

    A rule selects images of one storage class. Archiving saves nothing by itself, so such a rule costs and saves 0.

    :param summaries: the rules of the summary.
    :param rules: the rules of the policy.
    :param prices: the prices.
    :param region_name: the Region of the repository.
    """
    classes = {rule.priority: rule.storage_class for rule in rules}
    priced: list[RuleSummary] = []
    for summary in summaries:
        size, storage_class = summary["bytes_upper_bound"], classes.get(summary["priority"])
        cost: float | None = None
        if summary["action"] != EXPIRE.lower():
            cost = 0.0
        elif size is not None and storage_class is not None:
            cost = prices.micros(size, storage_class, region_name) / MICROS
        priced.append({**summary, "monthly_cost_usd": cost})
    return priced
