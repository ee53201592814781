"""Find where the applied policy of a repository is not the expected one."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.expected import ExpectedPolicy, difference
from airflow_provider_ecr_preview.core.preview.finding import Finding


def drift_findings(applied: LifecyclePolicy | None, expected: ExpectedPolicy | None) -> list[Finding]:
    """Return the findings of the comparison of the applied policy with the expected one.

    :param applied: the applied policy; None if the repository has none.
    :param expected: the expected policy; None if no file is about the repository.
    """
    if expected is None:
        return []
    if expected.unknown is not None:
        return [
            Finding(
                "expected_policy_unknown",
                "warning",
                f"The applied policy cannot be compared with {expected.source}: {expected.unknown}",
            )
        ]
    if not expected.differs_from(applied):
        return []
    return [
        Finding(
            "applied_policy_differs",
            "warning",
            f"The applied policy differs from the one in {expected.source}: {difference(applied, expected.policy)}. Find "
            "out who changed it, and apply the policy of the file or correct the file.",
        )
    ]
