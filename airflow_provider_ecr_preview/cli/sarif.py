"""Findings as SARIF 2.1.0, which code scanning of GitHub, GitLab and Azure DevOps reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_ecr_preview import __version__
from airflow_provider_ecr_preview.core.lint.finding import PolicyFinding
from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.visible import one_line

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif_log(findings: Iterable[tuple[PolicyFinding, str, int, str]]) -> dict[str, Any]:
    """Return findings as a SARIF log.

    :param findings: each finding with its file, its line and the address of the resource in the file, or an empty text.
    """
    results = [_result(*finding) for finding in findings]
    rules = sorted({result["ruleId"] for result in results})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "ecr-preview",
                        "semanticVersion": __version__,
                        "rules": [{"id": rule, "shortDescription": {"text": _words(rule)}} for rule in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def _result(finding: PolicyFinding, path: str, line: int, address: str) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(path)}, "region": {"startLine": line}}
    }
    if address:
        location["logicalLocations"] = [{"fullyQualifiedName": address, "kind": "resource"}]
    return {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": one_line(masked(f"{finding.message} {finding.instead}"))},
        "locations": [location],
    }


def _words(code: str) -> str:
    return code.replace("_", " ").capitalize() + "."


def _uri(path: str) -> str:
    """Return a path as a reference of a URI, with slashes and without what a URI cannot hold."""
    from urllib.parse import quote  # noqa: PLC0415  # takes a fifth of the time that the command takes to start

    return quote("stdin" if path == "-" else path.replace("\\", "/").removeprefix("./"))
