"""Every caller of ECR, with the IAM data of what it may call, in a registry that is made anew for each run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from airflow_provider_ecr_preview.core.exceptions import (
    CleanupBlockedError,
    CleanupIncompleteError,
    UnpreviewedExpiryError,
)
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.engine.manifests import batch_get_image_of, freed_by
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook
from airflow_provider_ecr_preview.hooks.lifecycle_events import EcrLifecycleEventsHook
from airflow_provider_ecr_preview.iam import IAM_ACTIONS
from airflow_provider_ecr_preview.local import Fault, LocalEcr, Refused
from airflow_provider_ecr_preview.operators import ecr_cleanup, ecr_reconcile
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_recommend import EcrRecommendLifecyclePolicyOperator
from airflow_provider_ecr_preview.operators.ecr_repositories import EcrListRepositoriesOperator
from airflow_provider_ecr_preview.reports.lists import image_list
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor
from airflow_provider_ecr_preview.triggers.ecr_preview import EcrLifecyclePolicyPreviewTrigger
from tests.operators.cleanup.collected import collected

NAMES = ["team/a", "team/b"]
WITHOUT_POLICY = "team/0"
REGION = "us-east-1"
WAIT = 300.0
PAGED = {"GetLifecyclePolicyPreview", "DescribeImages", "DescribeRepositories"}


def policy(count: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


class SmallPages(Fault):
    """ECR answers two items a page, so that few images need many pages."""

    def narrowed(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if "imageIds" in parameters or "repositoryNames" in parameters:
            return parameters
        return {**parameters, "maxResults": min(2, parameters.get("maxResults", 2))}


def context() -> Any:
    ti = mock.Mock(spec=["xcom_push", "try_number", "map_index", "task", "start_date", "run_id"])
    ti.try_number, ti.map_index, ti.task.outlets, ti.run_id = 1, -1, [], "run"
    return {"ti": ti}


@dataclass
class World:
    """A registry, and hooks whose clients all runs share, because making one takes longer than a run."""

    ecr: LocalEcr
    folder: Path
    hook: EcrImageCleanupHook = field(init=False)
    events: EcrLifecycleEventsHook = field(init=False)
    runs: int = 0
    summaries: list[Any] = field(default_factory=list)
    applied: Any = None
    without_faults: dict[str, tuple[str, set[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hook = EcrImageCleanupHook(aws_conn_id=None, region_name=REGION)
        self.events = EcrLifecycleEventsHook(aws_conn_id=None, region_name=REGION)
        client = self.hook.get_fleet_client(1)
        self.hook.get_fleet_client = lambda _: client  # type: ignore[method-assign]

    def make(self) -> None:
        """Make the registry anew, with a preview of each repository."""
        self.ecr.reset()
        self.hook.outage_timeout = 120.0
        self.runs += 1
        for name in NAMES:
            self.ecr.create_repository(name, policy=policy(2), tags={"team": "payments"})
            self.ecr.push_many(name, 5, newest_days_ago=40)
            self.hook.start_preview(name)

    def cut_pages(self) -> None:
        """Let ECR answer in small pages from now on; what is prepared needs none."""
        for operation in PAGED:
            self.ecr.inject(SmallPages(), operation, calls=None)

    def preview(self, wanted: Any = None) -> None:
        """Read the previews that are approved."""
        self.summaries = []
        for name in NAMES:
            self.hook.start_preview(name, wanted)
            uri = f"file://{self.folder}/{self.runs}-{name.replace('/', '-')}.jsonl.gz"
            with image_list(uri) as images:
                summary = self.hook.summarize_preview(name, on_image=images.write)
            self.summaries.append(summary_xcom(summary, images_uri=uri))

    def run(self, operator: Any) -> Any:
        """Run a task, and return what it pushed, even if it fails having changed something."""
        operator.__dict__["hook"] = (
            self.events if isinstance(operator, ecr_reconcile.EcrReconcileLifecycleOperator) else self.hook
        )
        operator.__dict__["_hooks"] = {REGION: self.hook}
        of = context()
        try:
            return operator.execute(of)
        except (CleanupBlockedError, CleanupIncompleteError, UnpreviewedExpiryError) as error:
            value = of["ti"].xcom_push.call_args
            check = None if value is None else value.kwargs["value"]
            return {"error": type(error).__name__, "value": check, "message": str(error)}

    def preview_of_another_caller(self) -> None:
        """Let the next start find a preview in progress, so that its policy is compared with the applied one."""
        self.ecr.inject(Refused("LifecyclePolicyPreviewInProgressException"), "StartLifecyclePolicyPreview", calls=1)

    def digests(self) -> set[str]:
        return {image.get_image_digest() for name in NAMES for image in self.ecr.repository(name).local_images}

    def policies(self) -> dict[str, Any]:
        return {name: self.ecr.repository(name).lifecycle_policy for name in NAMES}


def _hook(world: World) -> Any:
    hook = world.hook
    started = hook.start_preview(NAMES[0], None, timeout=WAIT)
    hook.wait_for_preview(NAMES[0], policy_fingerprint=started.policy.fingerprint, timeout=WAIT)
    images = len(list(hook.iter_repository_images(NAMES[0])))
    applied = hook.get_lifecycle_policy(NAMES[0]).fingerprint == started.policy.fingerprint
    replication = hook.get_registry_replication()
    summary = hook.summarize_preview(NAMES[0], policy_fingerprint=started.policy.fingerprint)
    inventory = RepositoryInventory(started.policy.rules)
    inventory.update(hook.iter_repository_images(NAMES[0]))
    freed = freed_by(summary, inventory, batch_get_image_of(hook, NAMES[0], None))
    if freed.freed is None:
        return {"error": "unknown", "message": freed.message}
    return (
        summary.expiring_image_count,
        images,
        applied,
        len(replication.deletion_rules),
    )


def _sensor(world: World) -> Any:
    task = EcrLifecyclePolicyPreviewSensor(task_id="wait", repository_name=NAMES[0], timeout=WAIT)
    task.__dict__["hook"] = world.hook
    return task.poke(context()).is_done


def _trigger(_: World) -> Any:
    trigger = EcrLifecyclePolicyPreviewTrigger(
        repository_name=NAMES[0], deadline=time.time() + WAIT, aws_conn_id=None, region_name=REGION
    )

    async def first() -> Any:
        return [event.payload async for event in trigger.run()]

    [event] = asyncio.run(first())
    return event["status"] if event["error"] is None else {"error": event["error"], "message": event["message"]}


def _audit(world: World) -> Any:
    world.preview_of_another_caller()
    value = world.run(
        EcrAuditLifecyclePoliciesOperator(
            task_id="audit",
            # The first one has no policy, so that no response names the registry before its tags are read.
            repository_names=[WITHOUT_POLICY, *NAMES],
            fail_on="none",
            repository_timeout=WAIT,
            max_workers=1,
            owner_tag="team",
            check_registry=True,
        )
    )
    if errors := sorted({failed["error"] for failed in value["failures"]}):
        return {"error": ", ".join(errors), "message": str([failed["message"] for failed in value["failures"]])}
    return value["expiring_image_count"]


def _compare(world: World) -> Any:
    world.preview_of_another_caller()
    value = world.run(
        EcrCompareLifecyclePoliciesOperator(
            task_id="compare",
            repository_names=NAMES,
            lifecycle_policy_text=policy(3),
            fail_on_finding=None,
            max_workers=1,
            repository_timeout=WAIT,
        )
    )
    return [compared["expiring_image_count"] for compared in value["policies"]]


def _list(world: World) -> Any:
    return world.run(
        EcrListRepositoriesOperator(task_id="list", with_policy=True, tags={"team": "payments"}, max_workers=1)
    )


def _recommend(world: World) -> Any:
    value = world.run(
        EcrRecommendLifecyclePolicyOperator(
            task_id="recommend",
            repository_names=NAMES,
            prove=True,
            fail_on="none",
            max_workers=1,
            repository_timeout=WAIT,
        )
    )
    if errors := sorted({failed["error"] for failed in value["failures"]}):
        return {"error": ", ".join(errors), "message": str([failed["message"] for failed in value["failures"]])}
    return [[row["total_image_count"], row["expiring_image_count"]] for row in value["policies"]]


def _clean_up(action: str) -> Callable[[World], Any]:
    def run(world: World) -> Any:
        world.preview_of_another_caller()
        value = world.run(
            ecr_cleanup.EcrDeletePreviewedImagesOperator(
                task_id="clean_up",
                summary=world.summaries,
                action=action,
                dry_run=False,
                in_use=collected().as_xcom(),
                max_share=None,
                results_path=f"file://{world.folder}/{world.runs}-results.jsonl.gz",
            )
        )
        ended = value.get("value", value) or {}
        touched = sum(
            image.status != "ACTIVE" for name in NAMES for image in world.ecr.repository(name).local_images
        ) + (10 - len(world.digests()))
        assert ended.get("touched_image_count", touched) == touched, "the result does not say what happened"
        assert len(world.digests()) in range(4, 11), "an image that was not approved is gone"
        return {name: ended[name] for name in ("status", "touched_image_count")} if "error" not in value else value

    return run


def _put(world: World) -> Any:
    before = world.policies()
    value = world.run(
        ecr_cleanup.EcrPutLifecyclePolicyOperator(
            task_id="put",
            summary=world.summaries,
            lifecycle_policy_text=policy(3),
            in_use=collected().as_xcom(),
            dry_run=False,
            former_policies_path=f"file://{world.folder}/{world.runs}-former.jsonl.gz",
        )
    )
    return _changed(world, before, value)


def _restore(world: World) -> Any:
    before = world.policies()
    value = world.run(
        ecr_cleanup.EcrRestoreLifecyclePolicyOperator(
            task_id="restore",
            applied=world.applied,
            dry_run=False,
            former_policies_path=f"file://{world.folder}/{world.runs}-restored.jsonl.gz",
        )
    )
    return _changed(world, before, value)


def _changed(world: World, before: dict[str, Any], value: Any) -> Any:
    ended = value.get("value", value) or {"repositories": []}
    for row in ended["repositories"]:
        is_changed = world.policies()[row["repository_name"]] != before[row["repository_name"]]
        assert (row["status"] == "changed") == is_changed, "the result does not say what happened"
    return value if "error" in value else [row["status"] for row in ended["repositories"]]


def _reconcile(world: World) -> Any:
    task = ecr_reconcile.EcrReconcileLifecycleOperator(task_id="reconcile", summary=world.summaries)
    task.__dict__["aws_hook_class"] = lambda **_: world.events
    value = world.run(task)
    if "error" in value:
        return value
    if unread := {row["status"]: row for row in value["repositories"] if row["status"] != "reconciled"}:
        return {"error": ", ".join(sorted(unread)), "message": str(unread)}
    return value["counts"]


def _previewed(world: World) -> None:
    world.preview()


def _with_one_without_policy(world: World) -> None:
    world.ecr.create_repository(WITHOUT_POLICY, tags={"team": "payments"})


def _with_versions(world: World) -> None:
    for name in NAMES:
        for number in range(12):
            world.ecr.push(name, tags=[f"v1.{number}.0"], pushed_days_ago=40 * number + 1, size=1_000_000)


def _for_put(world: World) -> None:
    world.preview(policy(3))


def _for_restore(world: World) -> None:
    if world.applied is None:
        world.preview(policy(3))
        result = world.run(
            ecr_cleanup.EcrPutLifecyclePolicyOperator(
                task_id="put",
                summary=world.summaries,
                lifecycle_policy_text=policy(3),
                check_in_use=False,
                dry_run=False,
                former_policies_path=f"file://{world.folder}/{world.runs}-put.jsonl.gz",
            )
        )
        # One repository had no policy before, so that restoring it deletes one.
        result["repositories"][1]["former_lifecycle_policy_text"] = None
        result["repositories"][1]["former_policy_fingerprint"] = None
        world.applied = result
    for name in NAMES:
        world.ecr.put_policy(name, policy(3))


def _for_reconcile(world: World) -> None:
    world.preview()
    world.ecr.run_lifecycle_policies()
    world.ecr.advance(minutes=30)


@dataclass(frozen=True)
class Caller:
    """A caller of ECR.

    :param run: makes the calls, and returns what came of them, or a dict with the error.
    :param operators: its names in the IAM data.
    :param prepare: what happens before, without faults.
    """

    run: Callable[[World], Any]
    operators: tuple[str, ...]
    prepare: Callable[[World], None] = lambda _: None

    @property
    def operations(self) -> list[str]:
        actions = {action for operator in self.operators for action in IAM_ACTIONS[operator]}
        return sorted(action.partition(":")[2] for action in actions)


CALLERS = {
    "hook": Caller(_hook, ("EcrStartLifecyclePolicyPreviewOperator", "EcrSummarizeLifecyclePolicyPreviewOperator")),
    "sensor": Caller(_sensor, ("EcrLifecyclePolicyPreviewSensor",)),
    "trigger": Caller(_trigger, ("EcrLifecyclePolicyPreviewSensor",)),
    "audit": Caller(_audit, ("EcrAuditLifecyclePoliciesOperator",), _with_one_without_policy),
    "compare": Caller(_compare, ("EcrCompareLifecyclePoliciesOperator",)),
    "list": Caller(_list, ("EcrListRepositoriesOperator",)),
    "recommend": Caller(_recommend, ("EcrRecommendLifecyclePolicyOperator",), _with_versions),
    "clean-up": Caller(_clean_up("delete"), ("EcrDeletePreviewedImagesOperator",), _previewed),
    "archive": Caller(_clean_up("archive"), ("EcrDeletePreviewedImagesOperator",), _previewed),
    "put": Caller(_put, ("EcrPutLifecyclePolicyOperator",), _for_put),
    "restore": Caller(_restore, ("EcrRestoreLifecyclePolicyOperator",), _for_restore),
    "reconcile": Caller(_reconcile, ("EcrReconcileLifecycleOperator",), _for_reconcile),
}
