"""Differences between lifecycle policies and those they replace, as Markdown for the person who approves them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.display.markdown import inert, verbatim

MAX_DIFFERENCES = 3


MAX_LINES = 80


def policy_differences(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the policy differences of a dry run, each once, with its repositories.

    :param result: the result of a dry run of the operator that puts policies; one of an earlier release has no policies.
    """
    policies: Mapping[str, str] = result.get("lifecycle_policies") or {}
    found: dict[tuple[str | None, str], list[str]] = {}
    for repository in result["repositories"]:
        if (wanted := policies.get(repository["policy_fingerprint"] or "")) is not None:
            former = repository["former_lifecycle_policy_text"]
            found.setdefault((former, wanted), []).append(repository["repository_name"])
    for (former, wanted), names in [*found.items()][:MAX_DIFFERENCES]:
        shown = ", ".join(map(verbatim, names[:MAX_DIFFERENCES]))
        more = f" and {len(names) - MAX_DIFFERENCES:,} more" if len(names) > MAX_DIFFERENCES else ""
        if former is None:
            yield f"{shown}{more} had no policy, and would get:"
        else:
            yield f"In {shown}{more}, lines with `-` are removed and lines with `+` are added:"
        yield _fenced([*_difference(former, wanted)])
    if len(found) > MAX_DIFFERENCES:
        yield f"{len(found) - MAX_DIFFERENCES:,} more differences are in the tab of the dry run."


def _difference(former: str | None, wanted: str) -> Iterator[str]:
    if former is None:
        yield from _lines(wanted)
        return
    lines = difflib.unified_diff(_lines(former), _lines(wanted), lineterm="", n=3)
    is_same = True
    for line in lines:
        if not line.startswith(("---", "+++", "@@")):
            is_same = False
            yield line
    if is_same:
        yield "(the same policy)"


def _lines(text: str) -> list[str]:
    try:
        return json.dumps(json.loads(text), indent=2).split("\n")
    except ValueError:
        return [inert(text)]


def _fenced(lines: Sequence[str]) -> str:
    shown = [masked(line) for line in lines[:MAX_LINES]]
    if len(lines) > MAX_LINES:
        shown.append(f"... {len(lines) - MAX_LINES:,} more lines")
    text = "\n".join(shown)
    # Longer than any row of backticks within, which would end the block.
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}diff\n{text}\n{fence}"
