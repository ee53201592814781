"""Signatures and SBOMs go after the image that they belong to, and images after the manifest lists that name them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_ecr_preview.display.cleanup import cleanup_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.local import Call, Fault, ImagesRefused, Meanwhile, Registry, throttled

REPOSITORY = "payments/api"
INDEX = "application/vnd.oci.image.index.v1+json"

pytestmark = pytest.mark.changes_registry


def age_policy(days: int, **selection: Any) -> dict[str, Any]:
    """Return a policy that takes what is older, and of it what the selection says."""
    selection = {
        "tagStatus": "any",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": days,
    } | selection
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


def tag_of(digest: str, ending: str = ".sig") -> str:
    return f"{digest.replace(':', '-')}{ending}"


def spared(result: Any) -> dict[str, int]:
    counts: dict[str, int] = result["repositories"][0]["spared"]
    return counts


@dataclass
class ThrottledAfter(Fault):
    """Somebody else does something, and the call is throttled."""

    act: Callable[[], object]

    def before(self, call: Call, registry: Registry) -> Any:
        with registry.lock:
            self.act()
        return throttled().before(call, registry)


class Shelf:
    """A repository in which a recent image stays, and whatever else a test pushes."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.ecr = bench.ecr
        self.ecr.repository(REPOSITORY).images = []
        self.newest = self.push(tags=["newest"], pushed_days_ago=1)

    def push(self, **image: Any) -> str:
        digest: str = self.ecr.push(REPOSITORY, **{"pushed_days_ago": 100, **image})
        return digest

    def clean_up(self, *, policy: Any = None, **kwargs: Any) -> Any:
        policy = policy or age_policy(30)
        self.ecr.put_policy(REPOSITORY, policy)
        summary = self.bench.preview()
        self.ecr.calls.clear()
        return self.bench.clean_up(summary, **{"max_share": None, **kwargs})

    @property
    def digests(self) -> set[str]:
        return set(self.bench.digests())


@pytest.fixture
def shelf(bench: Any) -> Shelf:
    return Shelf(bench)


class TestReferrers:
    def test_the_signature_of_an_image_in_use_stays(self, shelf: Shelf, in_use: Any) -> None:
        for name in ("a", "b"):
            image = shelf.push(tags=[name])
            shelf.push(subject=image, artifact_media_type="application/vnd.cncf.notary.signature")
            shelf.push(tags=[tag_of(image, ".sbom")])
        used = dict.fromkeys(("a", "b"), "ECS")
        before = shelf.digests
        result = shelf.clean_up(in_use=in_use(tags=used))
        assert shelf.digests == before
        assert (result["status"], spared(result)) == ("nothing_to_do", {"in_use": 2, "subject_stays": 4})
        assert shelf.bench.check(result, "referrers")["verdict"] == "spared"

    def test_the_signature_of_an_image_that_the_policy_keeps_stays(self, shelf: Shelf) -> None:
        kept = shelf.push(tags=["v1"])
        by_manifest = shelf.push(subject=kept)
        of_the_signature = shelf.push(subject=by_manifest)
        untagged = shelf.push()
        result = shelf.clean_up(policy=age_policy(30, tagStatus="untagged"))
        assert {kept, by_manifest, of_the_signature} < shelf.digests
        assert untagged not in shelf.digests
        assert (result["status"], spared(result)) == ("done", {"subject_stays": 2})

    def test_a_signature_goes_after_its_image(self, shelf: Shelf) -> None:
        image = shelf.push(tags=["v1"])
        signature = shelf.push(subject=image, pushed_days_ago=200)
        by_tag = shelf.push(tags=[tag_of(image)], pushed_days_ago=300)
        of_the_signature = shelf.push(subject=signature)
        result = shelf.clean_up()
        assert (result["status"], shelf.digests) == ("done", {shelf.newest})
        calls = shelf.ecr.calls.of("BatchDeleteImage")
        batches = [{image_id["imageDigest"] for image_id in call.parameters["imageIds"]} for call in calls]
        assert batches == [{image}, {signature, by_tag}, {of_the_signature}]

    def test_a_signature_that_ecr_deleted_with_its_image_is_not_a_failure(self, shelf: Shelf) -> None:
        shelf.push(subject=shelf.push(tags=["v1"]))
        shelf.ecr.inject(Meanwhile(lambda: shelf.ecr.run_lifecycle_policies(REPOSITORY)), "BatchDeleteImage", calls=1)
        result = shelf.clean_up()
        assert (result["status"], result["touched_image_count"]) == ("done", 1)
        assert result["repositories"][0]["gone_image_count"] == 1

    def test_a_signature_without_an_image_goes(self, shelf: Shelf) -> None:
        orphan = shelf.push(tags=[f"sha256-{'a' * 64}.sig"])
        assert shelf.clean_up()["status"] == "done"
        assert orphan not in shelf.digests

    def test_a_signature_stays_whose_image_was_pushed_while_the_clean_up_ran(self, shelf: Shelf) -> None:
        manifest = json.dumps({"schemaVersion": 2, "layers": []})
        image = shelf.push(manifest=manifest)
        repository = shelf.ecr.repository(REPOSITORY)
        removed = repository.local_images.pop()
        signature = shelf.push(tags=[tag_of(image)])
        shelf.ecr.put_policy(REPOSITORY, age_policy(30))
        summary = shelf.bench.preview()
        shelf.ecr.inject(
            Meanwhile(lambda: shelf.push(manifest=removed.image_manifest, pushed_days_ago=0)), "DescribeImages", calls=1
        )
        result = shelf.bench.clean_up(summary, max_share=None)
        assert {image, signature} < shelf.digests
        assert spared(result) == {"subject_stays": 1}

    @pytest.mark.parametrize("orphans", [1, 30])
    def test_a_signature_stays_whose_image_is_pushed_while_a_throttled_call_waits(
        self, shelf: Shelf, orphans: int
    ) -> None:
        manifest = json.dumps({"schemaVersion": 2, "layers": []})
        image = shelf.push(manifest=manifest)
        shelf.ecr.repository(REPOSITORY).local_images.pop()
        signature = shelf.push(tags=[tag_of(image)])
        for number in range(1, orphans):
            shelf.push(tags=[f"sha256-{number:064x}.sig"])
        throttled_after = ThrottledAfter(lambda: shelf.push(manifest=manifest, pushed_days_ago=0))
        shelf.ecr.inject(throttled_after, "BatchDeleteImage", calls=1)
        result = shelf.clean_up()
        assert shelf.digests == {shelf.newest, image, signature}
        assert (result["status"], spared(result)) == ("done", {"subject_stays": 1})
        # Each look at many subjects that are not there would take about two calls for each of them.
        assert shelf.ecr.calls.count("DescribeImages") < 20

    def test_a_signature_stays_whose_image_was_pulled_while_the_clean_up_ran(self, shelf: Shelf) -> None:
        image = shelf.push(tags=["v1"])
        signature = shelf.push(subject=image)
        shelf.ecr.put_policy(REPOSITORY, age_policy(30))
        summary = shelf.bench.preview()
        stored = shelf.ecr.repository(REPOSITORY).find({"imageDigest": image})
        shelf.ecr.inject(Meanwhile(lambda: stored.pull(shelf.ecr.now)), "DescribeImages", calls=1)
        result = shelf.bench.clean_up(summary, max_share=None)
        assert {image, signature} < shelf.digests
        assert (result["status"], spared(result)) == ("done", {"changed_meanwhile": 1, "subject_stays": 1})

    def test_a_signature_stays_whose_image_could_not_be_deleted(self, shelf: Shelf) -> None:
        image = shelf.push(tags=["v1"])
        signature = shelf.push(subject=image)
        shelf.ecr.inject(ImagesRefused("KmsError", {image}), calls=None)
        result = shelf.clean_up()
        assert {image, signature} < shelf.digests
        assert (result["status"], spared(result)) == ("incomplete", {"subject_stays": 1})

    def test_a_signature_waits_for_an_image_that_is_tried_again(self, shelf: Shelf) -> None:
        image = shelf.push(tags=["v1"])
        shelf.push(subject=image)
        shelf.ecr.inject(ImagesRefused("UpstreamUnavailable", {image}), calls=1)
        result = shelf.clean_up()
        assert (result["status"], result["touched_image_count"]) == ("done", 2)

    def test_an_image_stays_with_which_ecr_would_delete_one_in_use(self, shelf: Shelf, in_use: Any) -> None:
        image = shelf.push(tags=["base"])
        attached = shelf.push(subject=image, tags=["running"])
        result = shelf.clean_up(in_use=in_use({attached: "ECS"}))
        assert {image, attached} < shelf.digests
        assert spared(result) == {"in_use": 1, "referrer_stays": 1}

    def test_referrers_can_be_given_up(self, shelf: Shelf) -> None:
        kept = shelf.push(tags=["v1"])
        shelf.push(subject=kept)
        result = shelf.clean_up(policy=age_policy(30, tagStatus="untagged"), check_referrers=False)
        assert (result["status"], shelf.digests) == ("done", {shelf.newest, kept})
        assert shelf.bench.check(result, "referrers")["verdict"] == "off"

    def test_an_archive_takes_the_signature_with_the_image_and_not_without(self, shelf: Shelf) -> None:
        image, other = shelf.push(tags=["v1"]), shelf.push(tags=["prod"])
        signatures = [shelf.push(subject=image), shelf.push(subject=other)]
        result = shelf.clean_up(action="archive")
        states = {image.get_image_digest(): image.status for image in shelf.ecr.repository(REPOSITORY).local_images}
        assert {digest for digest, state in states.items() if state == "ARCHIVED"} == {image, signatures[0]}
        assert spared(result) == {"protected_tag": 1, "subject_stays": 1}

    def test_four_leftovers_of_signed_images_are_no_images_that_can_be_run(self, shelf: Shelf) -> None:
        shelf.ecr.repository(REPOSITORY).images = []
        for name in ("a", "b"):
            image = shelf.push(tags=[name])
            shelf.push(subject=image, pushed_days_ago=1)
            shelf.push(tags=[tag_of(image, ".sbom")], pushed_days_ago=1)
        before = shelf.digests
        result = shelf.clean_up(newest_images_kept=0, ignored_findings=["newest_image_expires"])
        assert shelf.digests == before
        check = shelf.bench.check(result, "images_left")
        assert check["verdict"] == "blocked"
        assert check["message"].startswith("0 images that can be run")


class TestManifestLists:
    def test_what_a_list_names_that_stays_is_spared_and_the_task_is_green(self, shelf: Shelf, in_use: Any) -> None:
        used = shelf.ecr.push_manifest_list(REPOSITORY, tags=["v1"], pushed_days_ago=100)
        going = shelf.ecr.push_manifest_list(REPOSITORY, tags=["v0"], pushed_days_ago=200)
        result = shelf.clean_up(in_use=in_use(tags={"v1": "ECS"}), failure_retry_delay=1000)
        assert shelf.digests == {shelf.newest, used.image_digest, *used.children}
        assert (result["status"], result["touched_image_count"]) == ("done", 3)
        assert spared(result) == {"in_use": 1, "referenced_by_manifest_list": 2}
        assert result["repositories"][0]["failures"] == {}
        attempts = [
            image_id["imageDigest"]
            for call in shelf.ecr.calls.of("BatchDeleteImage")
            for image_id in call.parameters["imageIds"]
        ]
        assert len(attempts) == len(set(attempts))
        assert set(attempts) >= set(going.children) | set(used.children)

    def test_the_list_is_named_next_to_the_image_that_it_keeps(self, shelf: Shelf) -> None:
        from airflow_provider_ecr_preview.reports.lists import read_lines  # noqa: PLC0415

        kept = shelf.ecr.push_manifest_list(REPOSITORY, tags=["v1"], pushed_days_ago=100)
        path = f"file://{shelf.bench.folder}/results.jsonl.gz"
        # The preview of the local ECR knows what a list names; that of ECR may not, and DescribeImages does not.
        show = _hide_children(shelf.ecr.repository(REPOSITORY), kept.image_digest)
        shelf.ecr.put_policy(REPOSITORY, age_policy(30, tagStatus="untagged"))
        summary = shelf.bench.preview()
        assert summary["expiring_image_count"] == 2
        shelf.ecr.inject(Meanwhile(show), "DescribeImages", calls=1)
        result = shelf.bench.clean_up(summary, max_share=None, results_path=path)
        lines = {line["image_digest"]: line for line in read_lines(result["results_uri"])}
        assert (result["status"], spared(result)) == ("done", {"referenced_by_manifest_list": 2})
        assert all(kept.image_digest in lines[child]["message"] for child in kept.children)

    def test_a_dry_run_says_that_images_may_be_spared(self, shelf: Shelf, in_use: Any) -> None:
        shelf.ecr.push_manifest_list(REPOSITORY, tags=["v1"], pushed_days_ago=100)
        shelf.ecr.push_manifest_list(REPOSITORY, tags=["v0"], pushed_days_ago=200)
        result = shelf.clean_up(in_use=in_use(tags={"v1": "ECS"}), dry_run=True)
        check = shelf.bench.check(result, "manifest_lists")
        assert check["verdict"] == "passed"
        assert check["message"].startswith("1 manifest list stays. ")
        assert "of 5 images, up to 4 may be spared" in check["message"]
        assert result["repositories"][0]["may_be_refused_image_count"] == 4
        text = render(cleanup_table(result))
        assert "may be spared: 4, if a manifest list that stays names them" in text
        assert "spared: 1 in_use" in text

    def test_a_list_stays_whose_image_is_in_use(self, shelf: Shelf, in_use: Any) -> None:
        used = shelf.ecr.push_manifest_list(REPOSITORY, tags=["v1"], pushed_days_ago=100)
        shelf.ecr.push_manifest_list(REPOSITORY, tags=["v0"], pushed_days_ago=200)
        result = shelf.clean_up(in_use=in_use({used.children[1]: "ECS"}))
        assert shelf.digests == {shelf.newest, used.image_digest, *used.children}
        assert (result["status"], result["touched_image_count"]) == ("done", 3)
        assert spared(result) == {"in_use": 1, "child_in_use": 1, "referenced_by_manifest_list": 1}

    def test_lists_in_lists_go_at_any_depth_the_outer_first(self, shelf: Shelf) -> None:
        inner = shelf.ecr.push_manifest_list(REPOSITORY, pushed_days_ago=100).image_digest
        for depth in range(8):
            manifest = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"digest": inner, "size": depth}]}
            inner = shelf.push(manifest=json.dumps(manifest), manifest_media_type=INDEX)
        result = shelf.clean_up()
        assert (result["status"], shelf.digests) == ("done", {shelf.newest})
        assert result["touched_image_count"] == 11

    def test_nested_lists_are_deleted_level_by_level(self, shelf: Shelf) -> None:
        # Equal times, and digests in any order.
        shelf.ecr.now = shelf.ecr.now
        inner = shelf.ecr.push_manifest_list(REPOSITORY, pushed_days_ago=100).image_digest
        for depth in range(8):
            manifest = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"digest": inner, "size": depth}]}
            inner = shelf.push(manifest=json.dumps(manifest), manifest_media_type=INDEX)
        result = shelf.clean_up()
        assert (result["status"], shelf.digests) == ("done", {shelf.newest})

    def test_an_archive_spares_what_a_list_names_that_stays(self, shelf: Shelf, in_use: Any) -> None:
        used = shelf.ecr.push_manifest_list(REPOSITORY, tags=["v1"], pushed_days_ago=100)
        result = shelf.clean_up(action="archive", in_use=in_use(tags={"v1": "ECS"}))
        assert (result["status"], spared(result)) == ("done", {"in_use": 1, "referenced_by_manifest_list": 2})
        states = {image.get_image_digest(): image.status for image in shelf.ecr.repository(REPOSITORY).local_images}
        assert {states[digest] for digest in (used.image_digest, *used.children)} == {"ACTIVE"}

    def test_the_signature_of_a_list_and_of_what_it_names_go_with_it(self, shelf: Shelf) -> None:
        pushed = shelf.ecr.push_manifest_list(REPOSITORY, tags=["v1"], pushed_days_ago=100)
        for digest in (pushed.image_digest, *pushed.children):
            shelf.push(tags=[tag_of(digest)])
            shelf.push(subject=digest)
        result = shelf.clean_up()
        assert (result["status"], shelf.digests) == ("done", {shelf.newest})
        assert result["touched_image_count"] == 9

    def test_a_list_of_referrers_goes_after_the_image_and_before_what_it_names(self, shelf: Shelf) -> None:
        image = shelf.push(tags=["v1"])
        signature = shelf.push(subject=image)
        manifest = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"digest": signature, "size": 1}]}
        shelf.push(tags=[tag_of(image, "")], manifest=json.dumps(manifest), manifest_media_type=INDEX)
        result = shelf.clean_up()
        assert (result["status"], shelf.digests) == ("done", {shelf.newest})


def _hide_children(repository: Any, digest: str) -> Callable[[], None]:
    """Let nothing see what a list names, and return what ends that."""
    found = repository.find({"imageDigest": digest})
    text = found.image_manifest

    def set_manifest(manifest: str) -> None:
        found.image_manifest = manifest
        repository._index = None  # it sees by the number of images whether anything has changed

    set_manifest("{}")
    return lambda: set_manifest(text)
