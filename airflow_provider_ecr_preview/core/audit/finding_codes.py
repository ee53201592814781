"""The findings of an audit, and which of them can be acknowledged."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ecr_preview.core.preview.finding import FindingSeverity

AUDIT_FINDINGS: Mapping[str, FindingSeverity] = {
    "and_patterns_match_nothing": "warning",
    "applied_policy_differs": "warning",
    "creation_template_differs": "info",
    "creation_template_mistake": "warning",
    "dead_rule": "warning",
    "expected_policy_unknown": "warning",
    "image_quota_near": "warning",
    "in_use_image_expires": "critical",
    "in_use_unknown": "warning",
    "newest_image_expires": "critical",
    "policy_differs_in_family": "info",
    "protected_tag_expires": "critical",
    "pull_through_cache_repository": "info",
    "recently_pulled_image_expires": "critical",
    "referrer_of_kept_image_expires": "critical",
    "replicated_deletion": "warning",
    "replicated_deletion_unknown": "info",
    "shadowed_rule": "warning",
    "storage_class_costs": "info",
    "would_empty_repository": "critical",
}
"""Every finding of an audit, with its severity."""


BLOCKING = frozenset(
    {
        *(code for code, severity in AUDIT_FINDINGS.items() if severity == "critical"),
        "in_use_unknown",
        "replicated_deletion_unknown",
    }
)
"""The findings that block a clean-up, by themselves or because it cannot know what it has to. None can be acknowledged."""
