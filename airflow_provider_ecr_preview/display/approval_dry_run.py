"""What a dry run says, for the person who approves a clean-up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.display.markdown import inert, verbatim
from airflow_provider_ecr_preview.display.policy_diff import cleanup_policies, policy_differences
from airflow_provider_ecr_preview.display.text import human_bytes

MAX_NAMES = 5


_GIGABYTE = 1e9


_DONE = {"delete": "deleted", "archive": "archived"}


def dry_run_section(action: str, result: Mapping[str, Any] | None, price_per_gb_month: float | None) -> Iterator[str]:
    """Yield what a dry run says: what would go, also in replicas, what is spared, and what blocks.

    :param action: ``delete``, ``archive`` or ``put``.
    :param result: the result of the dry run; None for none.
    :param price_per_gb_month: the monthly price of a gigabyte; None to show no costs.
    """
    if result is None:
        return
    yield "## What the dry run says"
    blocked = [repository for repository in result["repositories"] if repository["status"] == "blocked"]
    lines = [] if action == "put" else [_of_images(action, result, price_per_gb_month)]
    lines += _replicas(result)
    if count := result["statuses"].get("blocked", 0):
        lines.append(f"**{counted(count, 'repository is', 'repositories are')} blocked**")
    lines += [f"the whole run: {_check(check)}" for check in result["checks"] if _blocks(check)]
    lines += [
        f"{named(repository)}: {message}" for repository in blocked[:MAX_NAMES] for message in _blocking(repository)
    ]
    yield "\n".join(f"- {line}" for line in lines or ["nothing is blocked"])
    yield from policy_differences(result) if action == "put" else cleanup_policies(result)


def _replicas(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what goes in replicas, each message once, with the repositories that it holds for."""
    found: dict[str, list[str]] = {}
    for repository in result["repositories"]:
        for check in repository.get("checks", ()):
            if check["code"] == "replicas" and check["image_digests"] and not _blocks(check):
                found.setdefault(check["message"], []).append(named(repository))
    for message, names in found.items():
        more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
        yield f"**replicas**, {', '.join(names[:MAX_NAMES])}{more}: {inert(message)}"


def _blocking(repository: Mapping[str, Any]) -> Iterator[str]:
    """Yield what blocks a repository; checks that lack the same fact, such as a fresh preview, say so together."""
    together: dict[tuple[str, str | None], list[Mapping[str, Any]]] = {}
    # The longer messages introduce the same reason.
    for check in sorted(filter(_blocks, repository["checks"]), key=lambda check: len(check["message"])):
        of_same = (key for key in together if check["message"].endswith(key[0]) and check.get("remedy") == key[1])
        together.setdefault(next(of_same, (check["message"], check.get("remedy"))), []).append(check)
    for alike in together.values():
        codes = ", ".join(verbatim(check["code"]) for check in alike)
        yield f"{codes}: {_found(alike[0])}"


def _of_images(action: str, result: Mapping[str, Any], price_per_gb_month: float | None) -> str:
    spared: dict[str, int] = {}
    for repository in result["repositories"]:
        for reason, count in repository["spared"].items():
            spared[reason] = spared.get(reason, 0) + count
    why = ", ".join(f"{count:,} {verbatim(reason)}" for reason, count in sorted(spared.items()))
    images = counted(result["touched_image_count"], "image", "images")
    size = result["touched_bytes_upper_bound"]
    return (
        f"{images} would be {_DONE[action]}, at most {human_bytes(size)}{monthly_price(size, price_per_gb_month)}; "
        f"{result['spared_image_count']:,} would be spared{f': {why}' if why else ''}"
    )


def is_blocked(result: Mapping[str, Any]) -> bool:
    """Return whether a check blocks a part of a dry run.

    :param result: the result of the dry run.
    """
    return result["statuses"].get("blocked", 0) > 0 or any(map(_blocks, result["checks"]))


def _blocks(check: Mapping[str, Any]) -> bool:
    return check["verdict"] in ("blocked", "unknown")


def _check(check: Mapping[str, Any]) -> str:
    return f"{verbatim(check['code'])}: {_found(check)}"


def _found(check: Mapping[str, Any]) -> str:
    remedy = check.get("remedy")
    return f"{inert(check['message'])}{f' To fix this: {inert(remedy)}' if remedy else ''}"


def monthly_price(size: int | None, price_per_gb_month: float | None) -> str:
    """Return the price of a size, as the end of a sentence; an empty text if it is not known.

    :param size: the size in bytes.
    :param price_per_gb_month: the monthly price of a gigabyte.
    """
    if size is None or price_per_gb_month is None:
        return ""
    return f", at most ${size / _GIGABYTE * price_per_gb_month:,.2f} a month"


def named(repository: Mapping[str, Any]) -> str:
    """Return the name of a repository with its account and Region.

    :param repository: a summary or a result.
    """
    site = inert(f"{repository['registry_id']}, {repository['region_name']}")
    return f"{verbatim(repository['repository_name'])} ({site})"
