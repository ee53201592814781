"""Compare an audit with an earlier one: the images that each repository would lose now but not then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict

from airflow_provider_ecr_preview.core.audit.disappeared import Named, with_disappeared
from airflow_provider_ecr_preview.core.audit.outcome import OutcomeStatus, RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.totals import affected_image_count, summary_of
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.audit import (
    CHANGES_SCHEMA,
    MAX_LISTED,
    BaselineRef,
    ChangedRepository,
    ChangesXCom,
    RepositoryRef,
)

_UNREAD = "An image list cannot be read: "


Site = tuple[str | None, str | None]
"""Registry and Region."""


ImageActions = Callable[[str], Mapping[str, str] | Unread | None]
"""Returns action by digest of an image list, by its URI; None if it is gone."""


@dataclass(frozen=True, slots=True)
class BaselineRepository:
    """The findings of an earlier audit in one repository.

    :param repository_name: the repository.
    :param status: its outcome.
    :param policy_fingerprint: the policy that was previewed.
    :param images_fingerprint: the affected images.
    :param affected_image_count: the number of affected images; None if it was not previewed.
    :param images_uri: the list of these images.
    """

    repository_name: str
    status: OutcomeStatus
    policy_fingerprint: str | None = None
    images_fingerprint: str | None = None
    affected_image_count: int | None = None
    images_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier audit of one registry and Region.

    :param audit_id: its name.
    :param audited_at: when it started.
    :param repositories: its findings, by repository.
    """

    audit_id: str
    audited_at: datetime
    repositories: Mapping[str, BaselineRepository]


@dataclass(frozen=True, slots=True)
class Alarms:
    """The thresholds at which a repository raises an alarm.

    :param share: the growth, as a share of the images affected then, that raises an alarm; None for no such alarm.
    :param count: the number of additional images since the last audit that raises an alarm; None for no such alarm.
    """

    share: float | None = None
    count: int | None = None

    def of(self, before: int, now: int) -> str | None:
        """Return why there is an alarm, or None."""
        more = now - before
        if self.count is not None and more > self.count:
            return f"{counted(now, 'image')} would be deleted, up from {before} at the last audit: more than {self.count} more."
        if self.share is not None and more > self.share * before:
            return f"{counted(now, 'image')} would be deleted, up from {before} at the last audit: more than {self.share:.0%} more."
        return None


def compare_with_baselines(
    outcomes: Iterable[RepositoryOutcome],
    baselines: Mapping[Site, Baseline | Unread | None],
    actions_of: ImageActions,
    alarms: Alarms,
    *,
    whole: bool,
) -> ChangesXCom:
    """Return the changes since the earlier audits.

    :param outcomes: the outcome of each repository now.
    :param baselines: the earlier audit of each registry and Region; None if there is none, and the
        reason if the reports cannot be read.
    :param actions_of: reads image lists.
    :param alarms: the thresholds for alarms.
    :param whole: whether the outcomes are all of this audit; only then is it known which repositories disappeared.
    """
    changed: list[ChangedRepository] = []
    known = {site: baseline for site, baseline in baselines.items() if isinstance(baseline, Baseline)}
    now: set[Named] = set()
    for outcome in outcomes:
        site = outcome.registry_id, outcome.region_name
        now.add((*site, outcome.repository_name))
        baseline = known.get(site)
        if baseline is None:
            continue
        changed.append(_compared(outcome, baseline.repositories.get(outcome.repository_name), actions_of, alarms))
    changes = _changes(changed, baselines)
    before = [
        RepositoryRef(registry_id=registry_id, region_name=region_name, repository_name=name)
        for (registry_id, region_name), baseline in known.items()
        for name in sorted(baseline.repositories)
    ]
    return with_disappeared(changes, before, now) if whole else changes


def merge_changes(parts: Sequence[ChangesXCom]) -> ChangesXCom | None:
    """Return the changes of all parts of an audit as one; None if there are none.

    :param parts: the changes of each part.
    """
    if not parts:
        return None
    baselines = {
        (baseline["registry_id"], baseline["region_name"]): baseline for part in parts for baseline in part["baselines"]
    }
    alarms = [alarm for part in parts for alarm in part["alarms"]]
    top = [repository for part in parts for repository in part["top"]]
    numbers: list[Mapping[str, object]] = [*parts]
    total = {key: sum(number for part in numbers if isinstance(number := part[key], int)) for key in _SUMS}
    value: ChangesXCom = {
        **parts[0],
        **total,  # type: ignore[typeddict-item]  # keys of it
        "baselines": list(baselines.values()),
        "disappeared_count": parts[0]["disappeared_count"] if len(parts) == 1 else None,
        "disappeared": parts[0]["disappeared"] if len(parts) == 1 else [],
        "appeared": [repository for part in parts for repository in part.get("appeared", [])][:MAX_LISTED],
        "alarms": sorted(alarms, key=_most_first)[:MAX_LISTED],
        "top": sorted(top, key=_most_first)[:MAX_LISTED],
        "notes": sorted({note for part in parts for note in part["notes"]}),
    }
    return value


_SUMS = (
    "compared_count",
    "appeared_count",
    "not_comparable_count",
    "counts_only_count",
    "policy_changed_count",
    "newly_affected_image_count",
    "no_longer_affected_image_count",
    "action_changed_image_count",
    "affected_image_count_before",
    "affected_image_count",
    "alarm_count",
)


def _changes(
    changed: list[ChangedRepository],
    baselines: Mapping[Site, Baseline | Unread | None],
) -> ChangesXCom:
    compared = [repository for repository in changed if repository["kind"] == "compared"]
    alarms = [repository for repository in changed if repository["alarm"]]
    moved = [
        repository for repository in changed if repository["alarm"] or repository["policy_changed"] or _jump(repository)
    ]
    return ChangesXCom(
        schema=CHANGES_SCHEMA,
        baselines=[_ref(site, baseline) for site, baseline in baselines.items()],
        compared_count=len(compared),
        appeared_count=sum(repository["kind"] == "appeared" for repository in changed),
        disappeared_count=None,
        not_comparable_count=sum(repository["kind"] == "not_comparable" for repository in changed),
        counts_only_count=sum(repository["compared_by"] == "counts" for repository in changed),
        policy_changed_count=sum(bool(repository["policy_changed"]) for repository in changed),
        newly_affected_image_count=sum(repository["newly_affected_image_count"] or 0 for repository in changed),
        no_longer_affected_image_count=sum(repository["no_longer_affected_image_count"] or 0 for repository in changed),
        action_changed_image_count=sum(repository["action_changed_image_count"] or 0 for repository in changed),
        affected_image_count_before=sum(repository["affected_image_count_before"] or 0 for repository in compared),
        affected_image_count=sum(repository["affected_image_count"] or 0 for repository in compared),
        alarm_count=len(alarms),
        alarms=sorted(alarms, key=_most_first)[:MAX_LISTED],
        top=sorted(moved, key=_most_first)[:MAX_LISTED],
        appeared=[_ref_of(repository) for repository in changed if repository["kind"] == "appeared"][:MAX_LISTED],
        disappeared=[],
        notes=[*_notes(changed, baselines)],
    )


def _ref_of(repository: ChangedRepository) -> RepositoryRef:
    return RepositoryRef(
        registry_id=repository["registry_id"],
        region_name=repository["region_name"],
        repository_name=repository["repository_name"],
    )


def _ref(site: Site, baseline: Baseline | Unread | None) -> BaselineRef:
    registry_id, region_name = site
    ref = BaselineRef(registry_id=registry_id, region_name=region_name, audit_id=None, audited_at=None)
    if isinstance(baseline, Unread):
        return {**ref, "error": baseline.reason}
    if baseline is None:
        return ref
    return {**ref, "audit_id": baseline.audit_id, "audited_at": baseline.audited_at.isoformat()}


def _notes(changed: Sequence[ChangedRepository], baselines: Mapping[Site, Baseline | Unread | None]) -> Iterator[str]:
    for (registry_id, region_name), baseline in sorted(baselines.items(), key=str):
        if baseline is None:
            yield f"This is the first audit of {registry_id}, {region_name}, so there is nothing to compare it with."
        elif isinstance(baseline, Unread):
            yield f"Nothing is compared in {registry_id}, {region_name}, and no alarm is raised: {baseline.reason}"
    if unread := [change for change in changed if (change["note"] or "").startswith(_UNREAD)]:
        first = unread[0]
        yield (
            f"Only counts are compared for {counted(len(unread), 'repository', 'repositories')} whose image lists cannot be "
            f"read. The first is {first['repository_name']}: {first['note']}"
        )


def _compared(
    outcome: RepositoryOutcome, before: BaselineRepository | None, actions_of: ImageActions, alarms: Alarms
) -> ChangedRepository:
    change = ChangedRepository(
        registry_id=outcome.registry_id,
        region_name=outcome.region_name,
        repository_name=outcome.repository_name,
        kind="compared",
        compared_by=None,
        newly_affected_image_count=None,
        no_longer_affected_image_count=None,
        action_changed_image_count=None,
        affected_image_count_before=None,
        affected_image_count=None if outcome.status == "failed" else _affected(outcome),
        policy_changed=None,
        alarm=None,
        note=None,
    )
    if before is None:
        return {**change, "kind": "appeared"}
    if outcome.status == "failed":
        return {**change, "kind": "not_comparable", "note": "This audit could not preview the repository."}
    if before.status == "failed":
        return {**change, "kind": "not_comparable", "note": "The last audit could not preview the repository."}
    then, now = before.affected_image_count or 0, _affected(outcome)
    fingerprint = None if outcome.summary is None else outcome.summary["policy_fingerprint"]
    return {
        **change,
        **_images(outcome, before, actions_of),
        "affected_image_count_before": then,
        "policy_changed": before.policy_fingerprint != fingerprint,
        "alarm": alarms.of(then, now),
    }


class _Images(TypedDict):
    compared_by: Literal["fingerprint", "images", "counts"] | None
    newly_affected_image_count: int | None
    no_longer_affected_image_count: int | None
    action_changed_image_count: int | None
    note: str | None


def _images(outcome: RepositoryOutcome, before: BaselineRepository, actions_of: ImageActions) -> _Images:
    """Compare the images: exactly if both lists exist, otherwise by their numbers."""
    summary = outcome.summary
    then, now = before.affected_image_count or 0, _affected(outcome)
    if not then or not now:
        return _counted("images", now, then, 0)
    if summary is not None and before.images_fingerprint == summary["images_fingerprint"]:
        return _counted("fingerprint", 0, 0, 0)
    was = actions_of(before.images_uri) if before.images_uri else None
    if isinstance(was, Mapping) and len(was) != then:
        was = Unread(f"{before.images_uri} holds {len(was)} of {then} images")
    uri = None if summary is None else summary["images_uri"]
    are = actions_of(uri) if uri and was is not None else None
    if isinstance(was, Unread):
        return _counted("counts", None, None, None, f"{_UNREAD}{was.reason}")
    if isinstance(are, Unread):
        return _counted("counts", None, None, None, f"{_UNREAD}{are.reason}")
    if was is None or are is None:
        return _counted(
            "counts", None, None, None, "Image lists of both audits are needed, and at least one is missing."
        )
    both = was.keys() & are.keys()
    return _counted(
        "images", len(are) - len(both), len(was) - len(both), sum(was[digest] != are[digest] for digest in both)
    )


def _counted(
    by: Literal["fingerprint", "images", "counts"],
    newly: int | None,
    no_longer: int | None,
    action: int | None,
    note: str | None = None,
) -> _Images:
    return _Images(
        compared_by=by,
        newly_affected_image_count=newly,
        no_longer_affected_image_count=no_longer,
        action_changed_image_count=action,
        note=note,
    )


def _affected(outcome: RepositoryOutcome) -> int:
    return affected_image_count(summary_of(outcome)) if outcome.status == "previewed" else 0


def _jump(change: ChangedRepository) -> int:
    return (change["affected_image_count"] or 0) - (change["affected_image_count_before"] or 0)


def _most_first(change: ChangedRepository) -> tuple[int, str, str]:
    return -abs(_jump(change)), change["repository_name"], change["region_name"] or ""
