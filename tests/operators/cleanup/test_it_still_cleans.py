"""A clean-up that is set up as the documentation says deletes what was approved and is not protected."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local import seed_policies as policies
from airflow_provider_ecr_preview.local.images import LocalImage
from airflow_provider_ecr_preview.local.seeds import Shelf, multi_arch, paused, seed_registry, service, signed
from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrListRepositoriesOperator,
)
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrDeletePreviewedImagesOperator
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from airflow_provider_ecr_preview.reports.lists import read_image_list
from tests.operators.cleanup.worlds.approvals import approved_by_a_person
from tests.operators.cleanup.worlds.rules import Approved, Rules, State, state_of
from tests.operators.cleanup.worlds.spec import ACCOUNT, EU, US

pytestmark = pytest.mark.changes_registry

HOST = f"{ACCOUNT}.dkr.ecr.{{}}.amazonaws.com"
PROTECTED_TAGS = ["latest", "live*", "prod*", "stable*"]
DEFAULTS: Mapping[str, Any] = {
    "action": "delete",
    "protected_tags": PROTECTED_TAGS,
    "protected_tag_patterns": [],
    "min_age_days": 7,
    "recently_pulled_days": 30,
    "newest_images_kept": 1,
    "minimum_images_left": 1,
    "check_in_use": True,
}
LIMITS = ("max_images", "max_share", "max_bytes", "run_max_images", "run_max_bytes")
LIFTED: Mapping[str, Any] = {
    "max_images": 100_000,
    "max_share": 1.0,
    "max_bytes": "unlimited",
    "max_images_per_run": 1_000_000,
    "max_bytes_per_run": "unlimited",
}
BATCH = 6
"""An audit always has room for the summaries of this number of repositories: 8 of its 48 KiB for each."""
POLL_INTERVAL = 0.1
"""Seconds; previews of the local ECR are ready when they are looked at."""
HEADLINES = (
    "repositories",
    "images",
    "images approved",
    "images approved and not protected",
    "images deleted",
    "blocks that are not true",
)

Count = Callable[[str, Mapping[str, int]], None]


def with_sboms(shelf: Shelf) -> None:
    """Push builds, each with an SBOM, and a signature of the image and of the SBOM; the manifests name their subjects."""
    for number, age in enumerate(shelf.ages(24, 1, 9)):
        digest = shelf.push(age, *([f"v3.{number}.0"] if number % 3 == 0 else []), last_pull_days_ago=age)
        sbom = shelf.push(age, size=40_000, subject=digest, artifact_media_type="application/spdx+json")
        for subject in (digest, sbom):
            shelf.push(age, size=2_000, subject=subject, artifact_media_type="application/vnd.cncf.notary.signature")


FILLS = (service, multi_arch, signed, with_sboms, service, paused, with_sboms, multi_arch)
POLICIES = (
    policies.UNTAGGED_AND_COUNT,
    policies.UNTAGGED,
    policies.KEEP_RELEASES,
    policies.THIRTY_DAYS,
    policies.UNTAGGED_AND_COUNT,
)


def fill(ecr: LocalEcr, number: int) -> None:
    """Create repositories with lists, signatures and SBOMs, each with a policy."""
    for index in range(number):
        name = f"team-{index // 10:02}/service-{index % 10}"
        ecr.create_repository(name, policy=POLICIES[index % len(POLICIES)])
        FILLS[index % len(FILLS)](Shelf(ecr, name, US, seed=1))


class Team:
    """Runs what it has built, and cleans up as the documentation says.

    :param ecr: the registry, with all other services of AWS.
    :param folder: for reports.
    :param regions: the Regions that it works in.
    """

    def __init__(self, ecr: LocalEcr, folder: Path, regions: Sequence[str]) -> None:
        self.ecr = ecr
        self.folder = folder
        self.regions = regions
        self.counts: Counter[str] = Counter()
        self._runs = itertools.count(1)

    def run_services(self, share: float) -> None:
        """Run what was pulled lately of some repositories, on ECS and Lambda, by tag or by digest where it has no tag."""
        rng = random.Random(1)
        for region in self.regions:
            ecs, functions = self.ecr.client("ecs", region), self.ecr.client("lambda", region)
            subnet = self.ecr.client("ec2", region).describe_subnets()["Subnets"][0]["SubnetId"]
            role = self.ecr.client("iam").create_role(RoleName=f"run-{region}", AssumeRolePolicyDocument="{}")
            ecs.create_cluster(clusterName="main")
            for name in self._names(region):
                images = self._pulled_lately(name, region)
                if not images or rng.random() > share:
                    continue
                tags, digest = images[0].image_tags, images[0].get_image_digest()
                reference = f"{HOST.format(region)}/{name}"
                image = f"{reference}:{tags[0]}" if tags else f"{reference}@{digest}"
                task = name.replace("/", "-")
                self.counts["services that run"] += 1
                if tags and rng.random() < 0.3:
                    functions.create_function(
                        FunctionName=task, Role=role["Role"]["Arn"], PackageType="Image", Code={"ImageUri": image}
                    )
                    continue
                arn = ecs.register_task_definition(
                    family=task,
                    containerDefinitions=[{"name": "main", "image": image, "memory": 64, "cpu": 1}],
                    requiresCompatibilities=["FARGATE"],
                    networkMode="awsvpc",
                    cpu="256",
                    memory="512",
                )["taskDefinition"]["taskDefinitionArn"]
                network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}}
                ecs.run_task(cluster="main", taskDefinition=arn, launchType="FARGATE", networkConfiguration=network)

    def clean_up(self) -> None:
        """Clean up every repository with the defaults, and then what a limit has blocked with higher limits."""
        for region in self.regions:
            names = EcrListRepositoriesOperator(
                task_id="list", region_name=region, with_policy=True, batch_size=BATCH
            ).execute({})
            in_use = EcrCollectImagesInUseOperator(
                task_id="in_use", sources=["ecs", "lambda"], region_names=[region]
            ).execute({})
            assert in_use["is_complete"]
            held_back = [name for batch in names for name in self._clean_up(batch, region, in_use, {})]
            self.counts["repositories blocked by a limit at first, as they should be"] += len(held_back)
            for start in range(0, len(held_back), BATCH):
                still = self._clean_up(held_back[start : start + BATCH], region, in_use, LIFTED)
                assert not still

    def _clean_up(self, names: Sequence[str], region: str, in_use: Any, limits: Mapping[str, Any]) -> list[str]:
        """Audit, approve and clean up; return the repositories that a limit holds back."""
        run = next(self._runs)
        context: Any = {
            "ti": mock.Mock(spec=["xcom_push", "try_number", "map_index", "task"], try_number=run, map_index=-1),
            "dag_run": mock.Mock(spec=["start_date"], start_date=datetime.now(UTC)),
        }
        context["ti"].try_number, context["ti"].task.outlets = 1, []
        audit = EcrAuditLifecyclePoliciesOperator(
            task_id="audit",
            repository_names=names,
            region_name=region,
            protected_tags=PROTECTED_TAGS,
            reports_path=f"file://{self.folder}/reports",
            audit_id=f"audit {run}",
            audit_name="weekly",
            poll_interval=POLL_INTERVAL,
        ).execute(context)
        summaries = audit["summaries"]
        assert summaries is not None
        judges = [Judge(self.ecr, summary, in_use) for summary in summaries]
        operator = EcrDeletePreviewedImagesOperator(
            task_id="clean_up",
            summary=json.loads(json.dumps(audit)),
            approved=approved_by_a_person(summaries, "delete", dry_run=False),
            in_use=in_use,
            protected_tags=PROTECTED_TAGS,
            dry_run=False,
            poll_interval=POLL_INTERVAL,
            results_path=f"file://{self.folder}/results-{run}.jsonl.gz",
            **limits,
        )
        try:
            value: Any = operator.execute(context)
        except CleanupBlockedError:
            value = context["ti"].xcom_push.call_args.kwargs["value"]
        blocked = {
            repository["repository_name"]: repository["checks"]
            for repository in value["repositories"]
            if repository["status"] == "blocked"
        }
        held_back = [name for name, checks in blocked.items() if set(_blocking(checks)) & set(LIMITS)]
        for judge in judges:
            judge.judge(blocked.get(judge.name, ()), is_last=judge.name not in held_back)
            self.counts.update(judge.counts)
        return held_back

    def _names(self, region: str) -> list[str]:
        return sorted(self.ecr.backend(region, ACCOUNT).repositories)

    def _pulled_lately(self, name: str, region: str) -> list[LocalImage]:
        since = self.ecr.now.timestamp() - 86_400
        images = self.ecr.repository(name, region_name=region).local_images
        return [image for image in images if (image.last_recorded_pull_time or 0) > since]


class Judge:
    """Says of one repository what had to go, and whether it has.

    :param ecr: the registry.
    :param summary: what was approved.
    :param in_use: what runs.
    """

    def __init__(self, ecr: LocalEcr, summary: Mapping[str, Any], in_use: Mapping[str, Any]) -> None:
        self.name: str = summary["repository_name"]
        self.counts: Counter[str] = Counter()
        self._ecr = ecr
        self._region: str = summary["region_name"]
        self._bytes: int | None = summary["expiring_bytes_upper_bound"]
        self._approved = {
            image.image_digest: Approved(image.action, frozenset(image.image_tags))
            for image in read_image_list(summary["images_uri"])
        }
        used = [image for image in in_use["images"] if image["repository_name"] == self.name]
        self._rules = Rules(
            settings=DEFAULTS,
            approved=self._approved,
            used_digests=frozenset(image["image_digest"] for image in used if image["image_digest"]),
            used_tags=frozenset(image["image_tag"] for image in used if image["image_tag"]),
        )
        self._before = self._state()
        self._may_go = self._not_protected()

    def judge(self, checks: Sequence[Mapping[str, Any]], *, is_last: bool) -> None:
        """Count what went and what did not.

        :param checks: the checks of the repository, if it is blocked.
        :param is_last: whether it is not cleaned up with higher limits.
        """
        blocking = _blocking(checks)
        for code, message in blocking.items():
            is_true = self._is_true(code)
            self.counts["blocks that are true" if is_true else "blocks that are not true"] += 1
            if not is_true:
                pytest.fail(f"{self.name} is blocked by {code}, which is not true: {message}")
        if not is_last:
            return
        gone = self._before.keys() - self._state().keys()
        assert gone <= self._may_go
        self.counts["repositories"] += 1
        self.counts["images"] += len(self._before)
        self.counts["images approved"] += len(self._approved)
        self.counts["images approved and not protected"] += len(self._may_go)
        self.counts["images deleted"] += len(gone)

    def _state(self) -> State:
        return state_of(self._ecr.repository(self.name, region_name=self._region))

    def _not_protected(self) -> set[str]:
        now = self._ecr.now.timestamp()
        going = {digest for digest in self._approved if digest in self._before}
        while True:
            state = self._before
            staying = {
                digest
                for digest in going
                if self._reasons(digest, state, going, now)
                or any(digest in other.children and other.digest not in going for other in state.values())
            }
            if not staying:
                return going
            going -= staying

    def _reasons(self, digest: str, state: State, going: set[str], now: float) -> set[str]:
        reasons = self._rules.against(digest, state, now)
        if not set(state[digest].subjects) & (state.keys() - going):
            reasons.discard("belongs to an image that stays")
        return reasons

    def _is_true(self, code: str) -> bool:
        approved, total = len(self._approved), len(self._before)
        left = [image for image in self._before.values() if image.can_be_run and image.digest not in self._approved]
        truths = {
            "max_images": approved > 1_000,
            "max_share": approved > total / 2,
            "max_bytes": (self._bytes or 0) > 1_000_000_000_000,
            "images_left": not left,
        }
        return truths.get(code, False)


def _blocking(checks: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {check["code"]: check["message"] for check in checks if check["verdict"] in ("blocked", "unknown")}


@pytest.fixture
def team(local_ecr: LocalEcr, tmp_path: Path) -> Callable[..., Team]:
    """Return what makes a team."""
    return lambda *regions: Team(local_ecr, tmp_path, regions)


def check(team: Team, counted: Count, title: str, *, share: float) -> None:
    """Let a team run its services and clean up."""
    team.run_services(share)
    team.clean_up()
    counts = {what: team.counts[what] for what in (*HEADLINES, *team.counts)}
    counted(title, counts)
    assert counts["images deleted"] >= 0.95 * counts["images approved and not protected"] > 0


def test_a_small_registry_is_cleaned(local_ecr: LocalEcr, team: Callable[..., Team], counted: Count) -> None:
    fill(local_ecr, len(FILLS))
    check(team(US), counted, "It still cleans: a registry of eight repositories", share=0.5)


@pytest.mark.nightly
def test_the_seeded_registry_is_cleaned(local_ecr: LocalEcr, team: Callable[..., Team], counted: Count) -> None:
    seed_registry(local_ecr, "team", seed=0)
    check(team(US, EU), counted, "It still cleans: the seeded registry", share=1.0)


@pytest.mark.nightly
def test_a_registry_of_two_hundred_repositories_is_cleaned(
    local_ecr: LocalEcr, team: Callable[..., Team], counted: Count
) -> None:
    fill(local_ecr, 200)
    check(team(US), counted, "It still cleans: 200 repositories with lists, signatures and services", share=0.5)
