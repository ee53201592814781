"""Changes of policies: which they are, what can be restored, and what they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.expected import ExpectedPolicy
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.values import json_size
from airflow_provider_ecr_preview.core.watch.changes import changed_policies, read_event
from airflow_provider_ecr_preview.core.watch.former import AuditedPolicy, former_policy
from airflow_provider_ecr_preview.core.watch.report import policy_watch_xcom
from airflow_provider_ecr_preview.core.watch.result import MAX_EVENT_IDS, policy_events_xcom
from airflow_provider_ecr_preview.core.xcom.watch import MAX_WATCH_BYTES
from tests.core.policy.test_expected import policy

REGISTRY, REGION = "123456789012", "us-east-1"


def event(number: int = 1, repository: str = "payments/api", new: LifecyclePolicy | None = None, **more: Any) -> Any:
    return {
        "event_id": str(number),
        "event_name": "PutLifecyclePolicy" if new else "DeleteLifecyclePolicy",
        "changed_at": f"2026-11-23T12:00:{number % 60:02d}+00:00",
        "registry_id": REGISTRY,
        "region_name": REGION,
        "repository_name": repository,
        "changed_by": "arn:aws:iam::123456789012:user/anna",
        "source_ip_address": None,
        "lifecycle_policy_text": new.text if new else None,
        **more,
    }


def changed(*events: Any) -> Any:
    return changed_policies(map(read_event, events))


def test_several_changes_of_a_repository_are_one_with_the_last_policy_in_force() -> None:
    new = policy((1, 5))
    api, web = changed(event(3, new=new), event(2), event(3, new=new), event(1, "web"))
    assert (api.repository.repository_name, web.repository.repository_name) == ("payments/api", "web")
    assert [change.event_id for change in api.events] == ["2", "3"]
    assert (api.first.event_id, api.last.event_id, api.is_deleted) == ("2", "3", False)
    assert api.policy.fingerprint == new.fingerprint
    assert web.is_deleted
    assert web.policy is None


def test_a_policy_that_cannot_be_read_is_unknown_and_not_deleted() -> None:
    (change,) = changed(event(lifecycle_policy_text="{"))
    assert (change.policy, change.is_deleted) == (None, False)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "x",
        [],
        {},
        event(changed_by=None),
        event(event_id=3),
        event(changed_at="now"),
        event(changed_at="2026-11-23"),
    ],
)
def test_what_is_no_event_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="event"):
        read_event(value)


OLD, NEW = policy((1, 50)), policy((1, 5))
GIT = ExpectedPolicy("api.json", OLD)
AUDIT = AuditedPolicy("weekly", "2026-11-20", OLD)


@pytest.mark.parametrize(
    ("expected", "audited", "source", "words"),
    [
        (GIT, None, "git", "The policy in api.json can be restored."),
        (GIT, AuditedPolicy("weekly", "2026-11-20", policy((1, 9))), "git", "api.json"),
        (ExpectedPolicy("api.json", NEW), AUDIT, None, "The new policy is the one in api.json."),
        (ExpectedPolicy("api.json", None), AUDIT, None, "api.json says that the repository has no policy."),
        (None, AUDIT, "audit", "The policy of the audit weekly of 2026-11-20 can be restored."),
        (ExpectedPolicy("plan", None, "Not yet."), AUDIT, "audit", "plan: Not yet. The policy of the audit weekly"),
        (None, AuditedPolicy("weekly", "2026-11-20", NEW), None, "The new policy is the one of the audit weekly"),
        (None, AuditedPolicy("weekly", "2026-11-20", None), None, "had no policy in the audit weekly"),
        (None, Unread("the disk is full"), None, "is not known: the disk is full"),
        (None, None, None, "nothing can be restored"),
    ],
)
def test_the_former_policy_comes_from_git_or_from_the_last_audit_or_nothing_is_offered(
    expected: Any, audited: Any, source: str | None, words: str
) -> None:
    (change,) = changed(event(new=NEW))
    known = former_policy(change, expected, audited)
    assert known.source == source
    assert (known.policy is None, known.name is None) == (source is None, source is None)
    assert words in known.message


def test_the_former_policy_of_a_deleted_one_can_be_restored() -> None:
    (change,) = changed(event())
    assert former_policy(change, GIT, None).policy is OLD


def test_the_result_names_who_changed_what_and_hands_on_the_former_policies() -> None:
    changes = changed(*(event(number, new=NEW) for number in range(30)), event(40, "web"))
    value = policy_events_xcom(
        [(changes[0], former_policy(changes[0], GIT, None)), (changes[1], former_policy(changes[1], None, None))],
        other_region_count=2,
    )
    api, web = value["repositories"]
    assert (value["change_count"], value["repository_count"], value["other_region_count"]) == (31, 2, 2)
    assert (api["changed_by"], api["former_policy_source"], len(api["event_ids"])) == (
        "arn:aws:iam::123456789012:user/anna",
        "git",
        MAX_EVENT_IDS,
    )
    assert (web["policy_fingerprint"], web["former_policy_fingerprint"]) == (None, None)
    assert value["repository_names"] == ["payments/api", "web"]
    assert value["former_policies"] == {"payments/api": OLD.text}


@given(st.integers(0, 1_500), st.integers(1, 200), st.integers(1, 20_000))
def test_the_result_is_bounded_and_counts_what_it_leaves_out(count: int, name: int, size: int) -> None:
    old = LifecyclePolicy.from_service(json.dumps({**json.loads(OLD.text), "note": "x" * size}))
    changes = changed(*(event(number, f"{'a' * name}{number}", NEW) for number in range(count)))
    known = [(change, former_policy(change, ExpectedPolicy("a.json", old), None)) for change in changes]
    value = policy_events_xcom(known)
    assert json_size(value) <= MAX_WATCH_BYTES
    assert len(value["repository_names"]) + value["names_left_out"] == count
    assert len(value["former_policies"]) + value["former_policies_left_out"] == count
    assert len(value["repositories"]) + value["repositories_left_out"] == count


def audit(**more: Any) -> Any:
    audited_at = "2026-11-23T12:01:00+00:00"
    return {"audited_at": audited_at, "findings": [], "failures": [], "without_policy": [], "top": [], **more}


def audited(name: str, *findings: str) -> Any:
    return {
        "registry_id": REGISTRY,
        "region_name": REGION,
        "repository_name": name,
        "expiring_image_count": 3,
        "archiving_image_count": 0,
        "findings": list(findings),
    }


NOWHERE = {"registry_id": None, "region_name": None, "repository_name": "x"}


@pytest.mark.parametrize(("alarm", "alarms"), [("critical", "cfu"), ("warning", "cfuwd"), ("info", "cfuwdi")])
def test_a_change_is_an_alarm_by_the_severity_of_its_findings_and_if_its_effect_is_unknown(
    alarm: Any, alarms: str
) -> None:
    # c and w have findings of these severities, i has an information, n has none, d was deleted, f failed, u is missing
    events = policy_events_xcom(
        [
            (change, former_policy(change, None, None))
            for change in changed(*(event(number, name, NEW) for number, name in enumerate("cwindfu")))
        ]
    )
    value = policy_watch_xcom(
        events,
        audit(
            findings=[
                {"code": "would_empty_repository", "severity": "critical"},
                {"code": "dead_rule", "severity": "warning"},
                {"code": "storage_class_costs", "severity": "info"},
            ],
            failures=[
                {**audited("f"), "error": "ThrottledError", "message": "Too many calls."},
                {**NOWHERE, "error": None, "message": None},
            ],
            without_policy=[{**audited("d"), "registry_id": None}, NOWHERE],
            top=[
                audited("c", "dead_rule", "would_empty_repository"),
                audited("w", "dead_rule"),
                audited("i", "storage_class_costs"),
                audited("n"),
            ],
        ),
        alarm,
    )
    of = {repository["repository_name"]: repository for repository in value["repositories"]}
    assert {name: found["severity"] for name, found in of.items()} == {
        "c": "critical", "w": "warning", "i": "info", "n": "none", "d": "warning", "f": "unknown", "u": "unknown"
    }  # fmt: skip
    assert {name for name, found in of.items() if found["is_alarm"]} == set(alarms)
    assert value["alarm_count"] == len(alarms)
    assert of["c"]["message"] == "3 images would expire and 0 images would be archived."
    assert "Too many calls." in of["f"]["message"]
    assert of["c"]["changed_by"].endswith("anna")


def test_a_failure_without_a_message_names_the_error() -> None:
    events = policy_events_xcom([(change, former_policy(change, None, None)) for change in changed(event(1, "f"))])
    for error, words in (("BoomError", "BoomError"), (None, "previewed: ")):
        value = policy_watch_xcom(
            events, audit(failures=[{**audited("f"), "error": error, "message": None}]), "critical"
        )
        assert value["repositories"][0]["message"].endswith(words)


def watched(of_audit: Any) -> Any:
    events = policy_events_xcom([(change, former_policy(change, None, None)) for change in changed(event(1, "n", NEW))])
    return policy_watch_xcom(events, of_audit, "critical")["repositories"][0]


@pytest.mark.parametrize(
    ("audited_at", "severity"),
    [
        ("2026-11-23T11:59:00+00:00", "none"),  # the clocks of AWS and of the worker differ a little
        ("2026-11-23T13:50:01+02:00", "unknown"),
        ("2026-11-22T12:00:00+00:00", "unknown"),
    ],
)
def test_an_audit_from_before_the_change_says_nothing_about_the_new_policy(audited_at: str, severity: str) -> None:
    repository = watched(audit(top=[audited("n")], audited_at=audited_at))
    assert (repository["severity"], repository["is_alarm"]) == (severity, severity == "unknown")


@pytest.mark.parametrize("kind", ["candidate", "mixed"])
def test_an_audit_of_candidate_policies_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="Audit the changed repositories without lifecycle_policy_text"):
        watched(audit(top=[audited("n")], policies={"kind": kind}))
    assert watched(audit(top=[audited("n")], policies={"kind": "applied"}))["severity"] == "none"


def test_changes_of_other_time_zones_are_in_order() -> None:
    later = event(1, changed_at="2026-11-23T09:00:00-05:00")
    (change,) = changed(later, event(2, changed_at="2026-11-23T13:00:00+00:00"))
    assert [event.event_id for event in change.events] == ["2", "1"]
