"""A clean-up and a policy change as text: what was done, and what lifts what was not."""

from __future__ import annotations

from typing import Any

from airflow_provider_ecr_preview.display.cleanup import cleanup_table
from airflow_provider_ecr_preview.display.rollout import policy_change_table
from airflow_provider_ecr_preview.display.text import render
from tests.support.builders import REGION, REGISTRY_ID, digest

PLACE = {"registry_id": REGISTRY_ID, "region_name": REGION}
CHECK = {"code": "in_use", "verdict": "blocked", "message": "ECS runs it.", "image_digests": [], "remedy": "Stop it."}
OFF = {"code": "max_bytes", "verdict": "off", "message": "Switched off.", "image_digests": [], "remedy": None}


def shown(value: Any) -> str:
    return " ".join(render(value).split())


def repository(name: str = "payments/api", **fields: Any) -> dict[str, Any]:
    return {
        **PLACE,
        "repository_name": name,
        "status": "done",
        "touched_image_count": 1,
        "approved_image_count": 3,
        "touched_bytes_upper_bound": 2_000,
        "spared": {},
        "failures": {},
        "error": None,
        "message": None,
        "checks": [],
        **fields,
    }


def cleanup(*repositories: dict[str, Any], **fields: Any) -> Any:
    return {
        "action": "delete",
        "status": "done",
        "dry_run": False,
        "touched_image_count": 1,
        "touched_bytes_upper_bound": 2_000,
        "spared_image_count": 0,
        "failed_image_count": 0,
        "repository_count": len(repositories),
        "repositories": list(repositories),
        "checks": [OFF],
        "cost": None,
        **fields,
    }


def test_a_clean_up_says_what_it_did() -> None:
    text = shown(cleanup_table(cleanup(repository())))
    assert "DONE: 1 image deleted, at most 2.0 kB" in text
    assert f"payments/api ({REGISTRY_ID}, {REGION}): done, 1 of 3 approved images" in text
    assert "The whole run" not in text


def test_a_dry_run_says_what_it_would_do() -> None:
    assert "1 image would be archived" in shown(cleanup_table(cleanup(action="archive", dry_run=True)))


def test_what_was_spared_and_what_failed_is_said_with_what_lifts_it() -> None:
    spared = {"image_digest": digest(1), "reason": "in_use", "message": "ECS runs it.", "remedy": "Stop it."}
    text = shown(
        cleanup_table(
            cleanup(
                repository(
                    spared={"in_use": 2},
                    spared_images=[spared, spared],
                    may_be_refused_image_count=1,
                    failures={"X": 1},
                    error="ThrottledError",
                    message="Slow down.",
                    checks=[CHECK],
                ),
                checks=[CHECK],
                cost="Archived images are billed.",
            )
        )
    )
    for said in (
        "2 in_use",
        "ECS runs it.",
        "-> Stop it.",
        "1 X",
        "ThrottledError: Slow down.",
        "The whole run",
        "billed",
    ):
        assert said in text
    assert text.count("in_use, for example") == 1


def test_of_many_repositories_the_others_are_counted() -> None:
    many = [repository(str(number)) for number in range(21)]
    assert "and 1 more repository" in shown(cleanup_table(cleanup(*many)))
    changes = [change(str(number)) for number in range(22)]
    assert "and 2 more repositories" in shown(policy_change_table(changed(*changes)))


def change(name: str = "payments/api", **fields: Any) -> dict[str, Any]:
    return {
        **PLACE,
        "repository_name": name,
        "status": "changed",
        "former_policy_fingerprint": None,
        "policy_fingerprint": "abcdef0123456789",
        "error": None,
        "message": None,
        "checks": [],
        **fields,
    }


def changed(*repositories: dict[str, Any], **fields: Any) -> Any:
    return {
        "status": "changed",
        "repository_count": len(repositories),
        "statuses": {"changed": len(repositories)} if repositories else {},
        "repositories": list(repositories),
        "checks": [],
        **fields,
    }


def test_a_policy_change_says_which_policy_came_after_which() -> None:
    text = shown(policy_change_table(changed(change())))
    assert f"payments/api ({REGISTRY_ID}, {REGION}): changed, policy none -> abcdef012345" in text
    assert "CHANGED: 0 repositories: none." in shown(policy_change_table(changed()))


def test_a_policy_change_says_what_went_wrong_and_what_a_restored_policy_does() -> None:
    text = shown(
        policy_change_table(
            changed(
                change(
                    error="ThrottledError",
                    message="Slow down.",
                    checks=[CHECK],
                    restored_preview={"expiring_image_count": 1, "archiving_image_count": 2},
                ),
                checks=[CHECK],
                message="Look.",
            )
        )
    )
    for said in ("ThrottledError: Slow down.", "Look.", "The whole run", "expires 1 image and archives 2 images"):
        assert said in text
