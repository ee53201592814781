"""Compare lifecycle policies over the same repositories, and find the images that only one of them takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.preview.finding import SEVERITY_ORDER
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.repository import DigestKey, digest_key, digest_of
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.values import Leading, cut, from_isoformat, isoformat, known_sum
from airflow_provider_ecr_preview.core.xcom.audit import (
    MAX_LISTED,
    MAX_MESSAGE_CHARACTERS,
    MAX_TOP_REPOSITORIES,
    FailedRepository,
    RepositoryRef,
)
from airflow_provider_ecr_preview.core.xcom.comparison import (
    COMPARISON_SCHEMA,
    ComparedPolicy,
    ComparedRepository,
    ComparisonMethod,
    ComparisonXCom,
    PolicyTotals,
)
from airflow_provider_ecr_preview.core.xcom.preview import MAX_FINDING_DIGESTS, FindingSummary


class TakenImage(NamedTuple):
    """An image that a policy takes.

    :param action: ``EXPIRE`` or ``TRANSITION``.
    :param image_size_in_bytes: its size; None if unknown.
    :param image_tags: its tags; empty unless the images are listed.
    :param image_pushed_at: when it was pushed (aware); None unless the images are listed.
    """

    action: str
    image_size_in_bytes: int | None
    image_tags: tuple[str, ...] = ()
    image_pushed_at: datetime | None = None


@dataclass(slots=True)
class PolicyEffect:
    """The effect of one policy on one repository.

    :param policy_fingerprint: the policy; None if none is applied, which takes nothing.
    :param findings: the problems that a person should look at.
    """

    policy_fingerprint: str | None
    findings: list[FindingSummary] = field(default_factory=list)
    taken: dict[DigestKey, TakenImage] = field(default_factory=dict)
    """The images that it takes."""
    is_listed: bool = False
    """Whether the images will be listed, so that their tags and dates are kept."""

    def add(self, image: PreviewedImage) -> None:
        """Count an image as taken."""
        taken = TakenImage(image.action, image.image_size_in_bytes)
        if self.is_listed:
            taken = taken._replace(image_tags=image.image_tags, image_pushed_at=image.image_pushed_at)
        self.taken[digest_key(image.image_digest)] = taken

    def as_dict(self) -> dict[str, Any]:
        """Return the effect in plain JSON types."""
        return {
            "policy_fingerprint": self.policy_fingerprint,
            "findings": self.findings,
            "is_listed": self.is_listed,
            "taken": [
                [digest_of(key), *image[:-1], isoformat(image.image_pushed_at)] for key, image in self.taken.items()
            ],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> PolicyEffect:
        """Return the effect that :meth:`as_dict` wrote."""
        taken = {
            digest_key(digest): TakenImage(action, size, tuple(tags), from_isoformat(pushed_at))
            for digest, action, size, tags, pushed_at in value["taken"]
        }
        return cls(value["policy_fingerprint"], value["findings"], taken, value["is_listed"])

    def actions(self) -> dict[DigestKey, str]:
        """Return the action by image."""
        return {key: image.action for key, image in self.taken.items()}


def checked_by_simulation(previewed: PolicyEffect, simulated: PolicyEffect) -> PolicyEffect:
    """Return the effect from ECR's preview, with a finding if the simulation of the same policy differs.

    :param previewed: the effect according to ECR.
    :param simulated: the effect according to the evaluator of this package.
    """
    ecr, ours = previewed.actions(), simulated.actions()
    differing = sorted(digest_of(key) for key in ecr.keys() | ours.keys() if ecr.get(key) != ours.get(key))
    if not differing:
        return previewed
    finding = FindingSummary(
        code="simulation_disagrees",
        severity="warning",
        message=f"ECR's preview and the simulation differ in {counted(differing, 'image')}. The preview counts; do not rely "
        "on simulations of this policy. The usual reason is images that a manifest list names.",
        image_digests=differing[:MAX_FINDING_DIGESTS],
    )
    return replace(previewed, findings=[*previewed.findings, finding])


def compare_effects(ref: RepositoryRef, effects: Mapping[str, PolicyEffect]) -> ComparedRepository:
    """Compare the effects of policies on one repository, each with the first of them.

    :param ref: the repository.
    :param effects: the effect of each policy, by its name.
    """
    first = next(iter(effects.values()))
    return ComparedRepository(**ref, policies=[_compared(name, effect, first) for name, effect in effects.items()])


def new_findings(repository: ComparedRepository, severity: str) -> list[tuple[str, FindingSummary]]:
    """Return the findings of the other policies that the first does not have, each with the policy's name.

    :param repository: the repository.
    :param severity: the lowest severity to include: ``critical``, ``warning`` or ``info``.
    """
    first, *others = repository["policies"]
    known = {finding["code"] for finding in first["findings"]}
    return [
        (policy["policy"], finding)
        for policy in others
        for finding in policy["findings"]
        if finding["code"] not in known and SEVERITY_ORDER[finding["severity"]] <= SEVERITY_ORDER[severity]
    ]


class Comparison:
    """The sum of a comparison, built repository by repository.

    :param policies: names of the policies; the others are compared with the first.
    :param method: how their effects were determined.
    :param compared_at: when it started (aware).
    """

    def __init__(self, policies: Iterable[str], method: ComparisonMethod, compared_at: datetime) -> None:
        self.method = method
        self.compared_at = compared_at
        self.totals = [_no_images(name) for name in policies]
        self.repository_count = 0
        self.differing_repository_count = 0
        self._findings: Counter[tuple[str, str, str]] = Counter()
        self._errors: Counter[str] = Counter()
        self._failures: Leading[FailedRepository] = Leading(MAX_LISTED)
        self._top: Leading[ComparedRepository] = Leading(MAX_TOP_REPOSITORIES)

    @property
    def failed_count(self) -> int:
        """Number of repositories that could not be compared."""
        return self._errors.total()

    def add(self, repository: ComparedRepository) -> None:
        """Count one repository."""
        self.repository_count += 1
        for total, policy in zip(self.totals, repository["policies"], strict=True):
            _add(total, policy)
        if any(_difference(policy) for policy in repository["policies"]):
            self.differing_repository_count += 1
        # Findings come before image counts: the single affected image may be the one in use.
        grave = -len(new_findings(repository, "critical"))
        newly = -max(policy["newly_affected_image_count"] for policy in repository["policies"])
        most = -max(map(_difference, repository["policies"]))
        self._top.add((grave, newly, most, repository["region_name"] or "", repository["repository_name"]), repository)

    def fail(self, failure: FailedRepository) -> None:
        """Count one repository that could not be compared."""
        self.repository_count += 1
        self._errors[failure["error"] or "unknown"] += 1
        shorter = FailedRepository(**{**failure, "message": cut(failure["message"], MAX_MESSAGE_CHARACTERS)})
        self._failures.add(failure["repository_name"], shorter)

    def as_dict(self, results_uri: str | None = None) -> ComparisonXCom:
        """Return the comparison under the names of the XCom contract, with uncut lists.

        :param results_uri: where the list of images was written; None if it was not.
        """
        return ComparisonXCom(
            schema=COMPARISON_SCHEMA,
            compared_at=self.compared_at.astimezone(UTC).isoformat(),
            method=self.method,
            repository_count=self.repository_count,
            failed_count=self.failed_count,
            differing_repository_count=self.differing_repository_count,
            policies=self.totals,
            repositories=list(self._top),
            errors=dict(self._errors.most_common()),
            failures=list(self._failures),
            results_uri=results_uri,
        )


def _compared(name: str, effect: PolicyEffect, first: PolicyEffect) -> ComparedPolicy:
    newly = sorted(effect.taken.keys() - first.taken.keys(), key=str)
    no_longer = sorted(first.taken.keys() - effect.taken.keys(), key=str)
    expiring = [image for image in effect.taken.values() if image.action == EXPIRE]
    both = effect.taken.keys() & first.taken.keys()
    return ComparedPolicy(
        policy=name,
        policy_fingerprint=effect.policy_fingerprint,
        expiring_image_count=len(expiring),
        archiving_image_count=len(effect.taken) - len(expiring),
        expiring_bytes_upper_bound=_bytes(expiring),
        newly_affected_image_count=len(newly),
        newly_affected_bytes_upper_bound=_bytes(effect.taken[key] for key in newly),
        no_longer_affected_image_count=len(no_longer),
        no_longer_affected_bytes_upper_bound=_bytes(first.taken[key] for key in no_longer),
        action_changed_image_count=sum(effect.taken[key].action != first.taken[key].action for key in both),
        newly_affected_image_digests=[*map(digest_of, newly[:MAX_FINDING_DIGESTS])],
        no_longer_affected_image_digests=[*map(digest_of, no_longer[:MAX_FINDING_DIGESTS])],
        findings=effect.findings,
    )


def _bytes(images: Iterable[TakenImage]) -> int | None:
    return known_sum(image.image_size_in_bytes for image in images)


def _no_images(name: str) -> PolicyTotals:
    return PolicyTotals(
        policy=name,
        expiring_image_count=0,
        archiving_image_count=0,
        expiring_bytes_upper_bound=0,
        newly_affected_image_count=0,
        newly_affected_bytes_upper_bound=0,
        no_longer_affected_image_count=0,
        no_longer_affected_bytes_upper_bound=0,
        action_changed_image_count=0,
        findings={},
    )


_COUNTS = (
    "expiring_image_count",
    "archiving_image_count",
    "newly_affected_image_count",
    "no_longer_affected_image_count",
    "action_changed_image_count",
)


_BYTES = (
    "expiring_bytes_upper_bound",
    "newly_affected_bytes_upper_bound",
    "no_longer_affected_bytes_upper_bound",
)


def _add(total: PolicyTotals, policy: ComparedPolicy) -> None:
    for key in _COUNTS:
        total[key] += policy[key]  # type: ignore[literal-required]  # each is a key of both
    for key in _BYTES:
        total[key] = known_sum([total[key], policy[key]])  # type: ignore[literal-required]  # as above
    for code in {finding["code"] for finding in policy["findings"]}:
        total["findings"][code] = total["findings"].get(code, 0) + 1


def _difference(policy: ComparedPolicy) -> int:
    return (
        policy["newly_affected_image_count"]
        + policy["no_longer_affected_image_count"]
        + policy["action_changed_image_count"]
    )
