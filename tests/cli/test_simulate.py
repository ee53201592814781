"""``ecr-preview simulate``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import AT, Run, Write, image, planned, terraform
from tests.support.builders import REPOSITORY, digest
from tests.support.policies import keep

IMAGES = {"imageDetails": [image(number, f"v{number}", days=number) for number in range(1, 6)]}


@pytest.fixture(name="images")
def _images(write: Write) -> str:
    return write("images.json", IMAGES)


def test_a_policy_is_simulated_over_the_images_of_a_file(run: Run, write: Write, images: str) -> None:
    done = run("simulate", write("policy.json", keep(3)), "--images", images, "--at", AT)
    assert done.code == 0
    assert "2 of 5 images would expire (at most 2.0 MB freed), 0 would be archived." in " ".join(done.out.split())
    assert "Rule 1: Expires all images beyond the newest 3. 2 images, at most 2.0 MB." in done.out
    assert "not ECR's own preview" in done.out


def test_json_has_the_summary_and_every_image(run: Run, write: Write, images: str) -> None:
    policy = write("policy.json", keep(3))
    done = run("simulate", policy, "--images", images, "--at", AT, "--format", "json", "--limit", "1")
    (simulation,) = done.json["simulations"]
    assert simulation["repository_name"] == REPOSITORY
    assert simulation["summary"]["expiring_image_count"] == 2
    assert [of["image_digest"] for of in simulation["images"]] == [digest(4), digest(5)]


def test_markdown_lists_no_more_images_than_wanted(run: Run, write: Write, images: str) -> None:
    policy = write("policy.json", keep(3))
    done = run("simulate", policy, "--images", images, "--at", AT, "--format", "markdown", "--limit", "1")
    assert done.out.count("`v") == 1
    assert "and 1 more image\n" in done.out
    assert "`v" not in run("simulate", policy, "--images", images, "--format", "markdown", "--limit", "0").out


@pytest.mark.parametrize(("fail_on", "code"), [("critical", 1), ("never", 0)])
def test_a_grave_finding_is_an_exit_code(run: Run, write: Write, fail_on: str, code: int) -> None:
    pulled = image(1, *"abcd", days=90, lastRecordedPullTime=AT)
    details = [pulled, image(2, "v2", days=1), image(3, days=80)]
    arguments = ("--images", write("images.json", details), "--at", AT, "--fail-on", fail_on)
    for form in ("text", "markdown"):
        done = run("simulate", write("policy.json", keep(1)), *arguments, "--format", form)
        assert (done.code, "recently_pulled_image_expires" in done.out) == (code, True)
        assert "a, b, c, …" in done.out
        assert "untagged" in done.out


def test_policies_meet_the_images_of_their_repository(run: Run, write: Write, images: str) -> None:
    plan = terraform(
        planned("p.api", REPOSITORY, None, keep(3)),
        planned("p.web", "web", None, keep(3)),
        planned("p.old", "old", keep(3), None),
        planned("p.later", "later", None, None, after_unknown={"policy": True}),
    )
    more = write("more.json", [image(9, days=1, repositoryName="other")])
    arguments = ("simulate", write("plan.json", plan), "--images", images, "--images", more, "--at", AT)
    done = run(*arguments, "--format", "json")
    assert [simulation["address"] for simulation in done.json["simulations"]] == ["p.api"]
    reasons = {skipped["address"]: skipped["reason"] for skipped in done.json["skipped"]}
    assert reasons["p.web"] == "The images of web were not given. Add them with --images."
    assert reasons["p.old"] == "There is no policy."
    assert reasons["p.later"].startswith("Terraform knows the policy only after")
    assert "SKIPPED plan.json (p.web): The images of web" in run(*arguments).out
    assert "| `plan.json (p.web)` | The images of web" in run(*arguments, "--format", "markdown").out


@pytest.mark.parametrize(("repository", "expiring"), [(REPOSITORY, 2), ("other", 0)])
def test_a_policy_file_can_be_given_its_repository(run: Run, write: Write, repository: str, expiring: int) -> None:
    details = [*IMAGES["imageDetails"], image(9, "v9", days=1, repositoryName="other")]
    arguments = ("simulate", write("policy.json", keep(3)), "--images", write("images.json", details), "--at", AT)
    done = run(*arguments, "--repository", repository, "--format", "json")
    assert done.json["simulations"][0]["summary"]["expiring_image_count"] == expiring
    done = run(*arguments)
    assert (done.code, "does not name the repository. Name it with --repository." in done.err) == (3, True)


def test_images_without_a_name_are_those_that_are_meant(run: Run, write: Write) -> None:
    details = [image(number, "v", days=number, repositoryName=None) for number in range(1, 6)]
    images = write("images.json", details)
    arguments = ("--images", images, "--at", AT, "--format", "json")
    done = run("simulate", write("policy.json", keep(3)), *arguments)
    assert done.json["simulations"][0]["repository_name"] == "the repository"
    done = run("simulate", write("plan.json", terraform(planned("p", "api", None, keep(3)))), *arguments)
    assert done.json["simulations"][0]["repository_name"] == "api"


def test_a_policy_that_ecr_refuses_is_not_simulated(run: Run, write: Write, images: str) -> None:
    done = run("simulate", write("policy.json", {"rules": []}), "--images", images)
    assert (done.code, "policy.json: " in done.err, "rules_empty" in done.err) == (1, True, True)


def test_images_that_cannot_be_read_are_an_error(run: Run, write: Write) -> None:
    done = run("simulate", write("policy.json", keep(3)), "--images", write("images.json", {}))
    assert (done.code, "images.json: there is no list of images in this file" in done.err) == (3, True)


@pytest.mark.parametrize(
    ("at", "reason"), [("noon", "not a time such as"), ("2026-11-01T00:00:00", "without a time zone")]
)
def test_text_that_is_no_time_is_a_usage_error(run: Run, write: Write, images: str, at: str, reason: str) -> None:
    done = run("simulate", write("policy.json", keep(3)), "--images", images, "--at", at)
    assert (done.code, reason in done.err) == (2, True)


def test_nothing_to_simulate_is_an_error(run: Run, write: Write) -> None:
    done: Any = run("simulate", write("policy.json", keep(3)))
    assert (done.code, "No policy was simulated:" in done.err) == (3, True)
