"""``ecr-preview recommend``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.lint.policy import lint_policy
from tests.cli.conftest import AT, Run, Write, image
from tests.support.builders import REPOSITORY, digest


def images(count: int = 40, **fields: Any) -> list[dict[str, Any]]:
    return [image(number, f"v{number}", days=10 * number, **fields) for number in range(1, count + 1)]


@pytest.fixture(name="path")
def _path(write: Write) -> str:
    return write("images.json", {"imageDetails": images()})


def test_a_policy_is_found_for_the_images_of_a_file(run: Run, path: str) -> None:
    done = run("recommend", "--images", path, "--at", AT)
    assert done.code == 0
    assert "0 of the 5 images that have to be kept are affected." in " ".join(done.out.split())
    assert "The images in use are not known" in done.out
    assert "```json" in run("recommend", "--images", path, "--at", AT, "--format", "markdown").out


def test_the_policy_alone_goes_on_to_the_other_commands(run: Run, path: str) -> None:
    done = run("recommend", "--images", path, "--at", AT, "--format", "policy", "--output", "policy.json")
    assert (done.code, done.out) == (0, "")
    assert run("lint", "policy.json").out == "1 policy, 0 errors, 0 warnings.\n"
    done = run("simulate", "policy.json", "--images", path, "--at", AT, "--format", "json")
    (simulation,) = done.json["simulations"]
    assert simulation["summary"]["expiring_image_count"] > 0
    assert lint_policy(json.dumps(run("recommend", "--images", path, "--format", "policy").json)) == []


@pytest.mark.parametrize(
    "reference", [digest(30), f"123.dkr.ecr.eu-west-1.amazonaws.com/{REPOSITORY}@{digest(30)}", f"{REPOSITORY}:v30"]
)
def test_what_is_in_use_is_kept(run: Run, write: Write, path: str, reference: str) -> None:
    in_use = write("in-use.txt", f"# running\n\n{reference}\n")
    done = run("recommend", "--images", path, "--in-use", in_use, "--at", AT, "--format", "json")
    (policy,) = done.json["policies"]
    assert done.json["in_use_is_known"] is True
    assert policy["kept_image_count"] == 6
    assert policy["rules"][0]["count_number"] >= 40


def test_the_settings_reach_the_search(run: Run, path: str) -> None:
    arguments = ("--keep-releases", "1", "--safe-days", "3", "--safe-pushes", "2", "--recently-pulled-days", "0")
    done = run(
        "recommend",
        "--images",
        path,
        "--at",
        AT,
        *arguments,
        "--protected-tag",
        "v7",
        "--max-rules",
        "1",
        "--format",
        "json",
    )
    (policy,) = done.json["policies"]
    assert policy["kept_image_count"] == 2
    assert done.json["safe_days"] == 3


def test_repositories_of_one_shape_share_a_policy(run: Run, write: Write) -> None:
    details = [*images(), *images(30, repositoryName="team/web"), image(99, "build-1", days=3, repositoryName="job")]
    path = write("all.json", details)
    done = run("recommend", "--images", path, "--at", AT, "--format", "json")
    assert [policy["repository_names"] for policy in done.json["policies"]] == [[REPOSITORY, "team/web"], ["job"]]
    assert run("recommend", "--images", path, "--at", AT, "--format", "policy").code == 3
    done = run("recommend", "--images", path, "--at", AT, "--format", "policy", "--share")
    assert done.json["rules"]


def test_images_that_do_not_name_their_repository_get_a_name(run: Run, write: Write) -> None:
    path = write("images.json", images(repositoryName=None))
    done = run("recommend", "--images", path, "--repository", "api", "--format", "json")
    assert done.json["policies"][0]["repository_names"] == ["api"]
    assert run("recommend", "--images", path, "--format", "json").json["policies"][0]["repository_names"] == [
        "the repository"
    ]


def test_no_images_are_an_error(run: Run, write: Write) -> None:
    done = run("recommend", "--images", write("none.json", []))
    assert (done.code, done.err) == (3, "ecr-preview: none.json: there are no images in these files.\n")


@pytest.mark.parametrize("arguments", [("--safe-days", "0"), ("--protected-tag", "a b"), ("--max-rules", "99")])
def test_a_setting_out_of_range_is_a_mistake_of_usage(run: Run, path: str, arguments: tuple[str, str]) -> None:
    done = run("recommend", "--images", path, *arguments)
    assert (done.code, done.err.startswith("ecr-preview: ")) == (2, True)
