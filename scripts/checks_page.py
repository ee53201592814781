"""Write docs/reference/checks.md from the code: every check, every reason to spare an image, and what lifts each."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.check_catalog import CHECKS, ERROR_REMEDIES, SPARED_REASONS, Check
from airflow_provider_ecr_preview.core.cleanup.stricter_checks import STRICTER
from airflow_provider_ecr_preview.operators.ecr_cleanup import (
    EcrDeletePreviewedImagesOperator,
    EcrPutLifecyclePolicyOperator,
    EcrRestoreLifecyclePolicyOperator,
)

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "checks.md"

OPERATORS = (EcrDeletePreviewedImagesOperator, EcrPutLifecyclePolicyOperator, EcrRestoreLifecyclePolicyOperator)

INTRODUCTION = """\
# Why is it blocked?

`EcrDeletePreviewedImagesOperator` and `EcrPutLifecyclePolicyOperator` check every repository before they change anything. The log,
the result (`checks`) and the error of the task name each check with its verdict, what it found (`message`), and how to fix it
(`remedy`).

| Verdict | Meaning |
| --- | --- |
| `passed` | The check found no problem. |
| `warned` | A person should look at it. It blocks nothing. |
| `spared` | Some images stay; the others go. `EcrPutLifecyclePolicyOperator` blocks instead, because a policy cannot spare images. |
| `blocked` | Nothing is changed in this repository, or in any repository if the check covers the whole run. |
| `unknown` | Something could not be read, so the check has no answer. This blocks, too: unknown is not safe. |
| `not_checked` | `check_only` skips it, because it would have to start a preview or change something. |
| `off` | The check is switched off, or does not apply. |

`check_only=True` runs every check that needs no new preview, over any number of repositories. It starts and changes nothing. Use it
while you set up a clean-up. `on_blocked` decides whether a block fails the task, skips it, or is only reported.

This page is written from the code by `scripts/checks_page.py`.
"""


ERRORS = """\
A source that cannot be read makes its checks `unknown`. The remedy of a missing permission names the IAM action:
`Allow ecr:DescribeImages on the repository in IAM, for the role of aws_conn_id.` `check_only` tries every call that reads, and
lists all missing permissions together (`read_permissions`). How to fix other errors:
"""

STRICTER_RULES = """\
Each of these rules logs one warning per run if it has an effect:
`<check>: stricter than in release 0.1: ...; set <parameter>=... to ...`
"""


def page() -> str:
    """Return the page."""
    return "\n".join(
        [
            INTRODUCTION,
            "## Checks",
            "",
            *_checks(),
            "## Why an image is spared",
            "",
            "The result has examples for every reason (`spared_images`); the list in `results_path` has every image.",
            "",
            "| Reason | Meaning | Check | What lets the image go |",
            "| --- | --- | --- | --- |",
            *(
                f"| `{code}` | {reason.meaning} | {f'`{reason.check}`' if reason.check else 'no check'} "
                f"| {reason.remedy} |"
                for code, reason in SPARED_REASONS.items()
            ),
            "",
            "## Errors of calls",
            "",
            ERRORS,
            "| Error | How to fix it |",
            "| --- | --- |",
            *(f"| `{error.__name__}` | {remedy} |" for error, remedy in ERROR_REMEDIES),
            "",
            "## Permissions",
            "",
            *(
                f"- `{operator.__name__}`: {', '.join(f'`{action}`' for action in operator.iam_actions)}"
                for operator in OPERATORS
            ),
            "",
            "## Stricter than release 0.1",
            "",
            STRICTER_RULES,
            *(f"- `{code}`: {rule.way_out}." for code, rule in STRICTER.items()),
            "",
        ]
    )


def _checks() -> Iterator[str]:
    for code, check in CHECKS.items():
        yield f"### `{code}`"
        yield ""
        yield check.question
        yield ""
        yield f"**How to fix it**: {check.remedy}"
        yield ""
        if parameters := ", ".join(_parameter(name) for name in check.parameters):
            yield f"**Parameters**: {parameters} ({_operators(check)})"
            yield ""


def _parameter(name: str) -> str:
    """Return a parameter with its default, if that says anything."""
    signatures = (inspect.signature(operator.__init__).parameters for operator in OPERATORS)
    defaults = [signature[name].default for signature in signatures if name in signature]
    default = defaults[0] if defaults else None
    is_said = default not in (None, inspect.Parameter.empty, (), "")
    return f"`{name}` ({_written(default)})" if is_said else f"`{name}`"


def _written(default: Any) -> str:
    if isinstance(default, bool | str):
        return f"`{default!r}`"
    if isinstance(default, tuple):
        return ", ".join(f"`{item}`" for item in default)
    if isinstance(default, timedelta):
        return f"{default.days} day" if default == timedelta(days=1) else str(default)
    return f"{default:,.20g}" if isinstance(default, int | float) else str(default)


def _operators(check: Check) -> str:
    first = check.parameters[0]
    having = [operator for operator in OPERATORS if first in inspect.signature(operator.__init__).parameters]
    return ", ".join(f"`{operator.__name__}`" for operator in having or OPERATORS[:2])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
