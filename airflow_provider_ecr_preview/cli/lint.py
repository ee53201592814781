"""``ecr-preview lint``: say what ECR would refuse, and what is rarely meant."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from airflow_provider_ecr_preview.cli.arguments import NEVER, OUTPUT, POLICY_HELP, Command, argument, format_argument
from airflow_provider_ecr_preview.cli.exits import ExitCode
from airflow_provider_ecr_preview.cli.inputs import policies_in
from airflow_provider_ecr_preview.cli.output import as_json, write
from airflow_provider_ecr_preview.cli.sarif import sarif_log
from airflow_provider_ecr_preview.core.files.found import FoundPolicy
from airflow_provider_ecr_preview.core.files.lines import rule_lines
from airflow_provider_ecr_preview.core.lint.finding import PolicyFinding
from airflow_provider_ecr_preview.core.lint.policy import lint_policy
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.display.markdown import inert, table, verbatim

LINT_SCHEMA = "ecr-preview-lint/1"


@dataclass(frozen=True, slots=True)
class LocatedFinding:
    """A finding, and where it is.

    :param policy: the policy.
    :param line: the line of the file, counted from 1.
    :param finding: the finding.
    """

    policy: FoundPolicy
    line: int
    finding: PolicyFinding

    def __str__(self) -> str:
        where = f"{self.policy.path}:{self.line}"
        address = f" ({self.policy.address})" if self.policy.address else ""
        return visible(f"{where}:{address} {self.finding.severity}: {self.finding}")


def run(arguments: Namespace) -> int:
    """Lint the policies and return the exit code.

    :param arguments: the parsed arguments.
    """
    policies = policies_in(arguments.files)
    found = [finding for policy in policies for finding in findings_of(policy)]
    render = {"text": _text, "json": _json, "markdown": _markdown, "sarif": _sarif}[arguments.format]
    write(render(policies, found), arguments.output)
    return ExitCode.FINDINGS if is_refused(found, arguments.fail_on) else ExitCode.OK


def findings_of(policy: FoundPolicy) -> list[LocatedFinding]:
    """Return what is wrong or suspicious in a policy of a file.

    :param policy: the policy.
    """
    if policy.unknown is not None:
        return [LocatedFinding(policy, policy.line, _not_known(policy.unknown))]
    if policy.text is None:
        return []
    lines = {} if policy.address else rule_lines(policy.text)
    return [
        LocatedFinding(policy, lines.get(finding.rule_priority or 0, policy.line), finding)
        for finding in lint_policy(policy.text)
    ]


def is_refused(findings: Iterable[LocatedFinding], fail_on: str) -> bool:
    """Return whether there is a finding of a severity, or of a graver one.

    :param findings: the findings.
    :param fail_on: ``error``, ``warning`` or ``never``.
    """
    refused = {"error": {"error"}, "warning": {"error", "warning"}, NEVER: set()}[fail_on]
    return any(located.finding.severity in refused for located in findings)


def totals(policies: Sequence[FoundPolicy], findings: Sequence[LocatedFinding]) -> str:
    """Return how much was found, as a sentence.

    :param policies: the policies that were linted.
    :param findings: what was found.
    """
    errors = sum(located.finding.severity == "error" for located in findings)
    warnings = len(findings) - errors
    return (
        f"{counted(len(policies), 'policy', 'policies')}, {counted(errors, 'error')}, {counted(warnings, 'warning')}."
    )


def _not_known(reason: str) -> PolicyFinding:
    return PolicyFinding.warning(
        "policy_unknown", None, reason, "Preview it once it is applied, or write the policy out in this file."
    )


def _text(policies: Sequence[FoundPolicy], findings: Sequence[LocatedFinding]) -> str:
    return "\n".join([*map(str, findings), totals(policies, findings)])


def _json(policies: Sequence[FoundPolicy], findings: Sequence[LocatedFinding]) -> str:
    return as_json(
        {
            "schema": LINT_SCHEMA,
            "policy_count": len(policies),
            "findings": [
                {
                    "path": located.policy.path,
                    "line": located.line,
                    "address": located.policy.address or None,
                    "repository_name": located.policy.repository_name,
                    "rule_priority": located.finding.rule_priority,
                    "severity": located.finding.severity,
                    "code": located.finding.code,
                    "message": located.finding.message,
                    "instead": located.finding.instead,
                }
                for located in findings
            ],
        }
    )


def _markdown(policies: Sequence[FoundPolicy], findings: Sequence[LocatedFinding]) -> str:
    parts = ["### ECR lifecycle policies: lint", inert(totals(policies, findings))]
    if findings:
        parts.append(table(["Where", "Severity", "Rule:", "Finding", "Write instead"], _rows(findings)))
    return "\n\n".join(parts)


def _rows(findings: Iterable[LocatedFinding]) -> Iterator[list[str]]:
    for located in findings:
        finding = located.finding
        where = f"{located.policy.path}:{located.line}"
        address = f" {verbatim(located.policy.address)}" if located.policy.address else ""
        yield [
            f"{verbatim(where)}{address}",
            finding.severity,
            "" if finding.rule_priority is None else str(finding.rule_priority),
            f"{inert(finding.message)} ({verbatim(finding.code)})",
            inert(finding.instead),
        ]


def _sarif(_: Sequence[FoundPolicy], findings: Sequence[LocatedFinding]) -> str:
    return as_json(
        sarif_log((located.finding, located.policy.path, located.line, located.policy.address) for located in findings)
    )


COMMAND = Command(
    name="lint",
    help="Say what ECR would refuse in lifecycle policies, and what is rarely meant.",
    description="Check lifecycle policies against the grammar that Amazon ECR documents. Calls nothing and changes nothing.",
    arguments=(
        argument("files", nargs="+", metavar="FILE", help=f"What to check: {POLICY_HELP}."),
        format_argument("sarif"),
        OUTPUT,
        argument(
            "--fail-on",
            choices=["error", "warning", NEVER],
            default="error",
            help="Exit with 1 if there is a finding of this severity or a graver one (default: error).",
        ),
    ),
    run=run,
)
