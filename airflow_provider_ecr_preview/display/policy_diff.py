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
        shown = _shown(names)
        if former is None:
            yield f"{shown} had no policy, and would get:"
        else:
            yield f"In {shown}, lines with `-` are removed and lines with `+` are added:"
        yield _fenced([*_difference(former, wanted)])
    if len(found) > MAX_DIFFERENCES:
        yield f"{len(found) - MAX_DIFFERENCES:,} more differences are in the tab of the dry run."


def cleanup_policies(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the policies behind a dry run of a clean-up, each once, and how they differ from the applied ones.

    :param result: the result of the dry run; one of an earlier release, or one without room for them, has no policies.
    """
    policies: Mapping[str, str] = result.get("lifecycle_policies") or {}
    found: dict[tuple[str, str | None, bool], list[str]] = {}
    for repository in result["repositories"]:
        if (decides := repository["policy_fingerprint"]) in policies:
            is_known = "applied_policy_fingerprint" in repository
            key = (decides, repository.get("applied_policy_fingerprint"), is_known)
            found.setdefault(key, []).append(repository["repository_name"])
    if not found and not any("applied_policy_fingerprint" in repository for repository in result["repositories"]):
        return
    yield "## The policy"
    if not found:
        yield "The result of the dry run has no room for the policies. Look at them in the ECR console before you answer."
    for (decides, applied, is_known), names in [*found.items()][:MAX_DIFFERENCES]:
        text = policies[decides]
        shown = _shown(names)
        if not is_known:
            yield f"{shown}: this policy decides. How it differs from the applied one is not known: that could not be read."
        elif applied == decides:
            yield f"{shown}: this policy decides, and it is the applied one."
        elif applied is None:
            yield f"{shown}: this candidate decides. No policy is applied."
        else:
            yield (
                f"{shown}: a candidate decides, which is not applied. Lines with `-` are in the applied policy only, lines "
                "with `+` in the candidate only:"
            )
            yield _fenced([*_difference(policies[applied], text, context=MAX_LINES)])
            continue
        yield _fenced(_lines(text))
    if len(found) > MAX_DIFFERENCES:
        yield f"{len(found) - MAX_DIFFERENCES:,} more policies are in the tab of the dry run."


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_DIFFERENCES:,} more" if len(names) > MAX_DIFFERENCES else ""
    return ", ".join(map(verbatim, names[:MAX_DIFFERENCES])) + more


def _difference(former: str | None, wanted: str, context: int = 3) -> Iterator[str]:
    if former is None:
        yield from _lines(wanted)
        return
    lines = difflib.unified_diff(_lines(former), _lines(wanted), lineterm="", n=context)
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
