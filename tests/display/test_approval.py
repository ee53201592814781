"""A person who approves reads what it is about, and nobody else's markup."""

from __future__ import annotations

import json
from typing import Any

import pytest
from markdown_it import MarkdownIt

from airflow_provider_ecr_preview.core.cleanup.approval import ApprovedAction, ApprovedRepository, approval_xcom
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.stored import PreviewList
from airflow_provider_ecr_preview.core.xcom.cleanup import CLEANUP_SCHEMA
from airflow_provider_ecr_preview.core.xcom.rollout import POLICY_CHANGE_SCHEMA
from airflow_provider_ecr_preview.display.approval_report import (
    approval_body,
    approval_subject,
    dry_run_of_same,
    subject_prefix,
)
from tests.support.builders import NOW, archiving, preview_xcom, previewed, summary


def repositories_of(summaries: list[Any]) -> list[ApprovedRepository]:
    previews = [PreviewList.of_summary(value) for value in summaries]
    return [ApprovedRepository.of(value, p) for value, p in zip(summaries, previews, strict=True)]  # type: ignore[arg-type]


def body(*summaries: Any, action: ApprovedAction = "delete", dry_run: bool = False, **kwargs: Any) -> str:
    repositories = repositories_of([*summaries])
    approval = approval_xcom(action, repositories, dry_run=dry_run)
    return approval_body(approval, repositories, summaries, **kwargs)


ONE = preview_xcom("payments/api", previewed(1), previewed(2), archiving(3))


@pytest.mark.parametrize(
    ("action", "dry_run", "subject"),
    [
        ("delete", False, "FOR GOOD: delete 2 images of 1 repository?"),
        ("delete", True, "DRY RUN, nothing changes even if approved: delete 2 images of 1 repository?"),
        ("archive", False, "IN EARNEST: archive 3 images of 1 repository?"),
        ("archive", True, "DRY RUN, nothing changes even if approved: archive 3 images of 1 repository?"),
        ("put", False, "FOR GOOD: apply the lifecycle policies of 1 repository, which affect 3 images?"),
    ],
)
def test_the_subject_begins_with_whether_it_is_a_dry_run(
    action: ApprovedAction, *, dry_run: bool, subject: str
) -> None:
    assert approval_subject(action, [ONE], dry_run=dry_run) == subject
    text = body(ONE, action=action, dry_run=dry_run)
    assert text.startswith(f"**{subject_prefix(action, dry_run=dry_run)}.**")
    assert ("If you approve" in text) != dry_run


def test_the_body_has_numbers_findings_and_what_the_answer_holds_for() -> None:
    finding = {"severity": "critical", "code": "in_use_image_expires", "message": "It runs.", "image_digests": []}
    other = preview_xcom("payments/b", previewed(1), findings=[finding, {**finding, "severity": "info", "code": "x"}])
    sized = {**ONE, "expiring_bytes_upper_bound": 5_000_000, "total_image_count": 9}
    text = body(sized, {**other, "expiring_bytes_upper_bound": 1_000_000}, failed_count=2)
    assert "- 2 repositories: 3 images would expire, 1 would be archived" in text
    assert "- at most 6.0 MB would be freed by expiring images (layers are shared)" in text
    assert f"- previewed at {NOW:%Y-%m-%d}" in text
    assert "- previewed from today to yesterday" in body(
        {**ONE, "previewed_at": "yesterday"}, {**other, "previewed_at": "today"}
    )
    assert "**2 repositories could not be previewed**; nothing is done there" in text
    assert "| `payments/api` (123456789012, eu-west-1) | 2 | 1 | 9 | 5.0 MB |  |" in text
    assert "| 1 | 0 | unknown | 1.0 MB | `in_use_image_expires`, `x` |" in text
    assert "- **critical** `in_use_image_expires` in 1 repository\n  - `payments/b`" in text
    assert "`x` in" not in text
    assert approval_xcom("delete", repositories_of([sized]), dry_run=False)["digest"] in body(sized)
    assert "Tags are not part of the approval" not in text


def test_a_finding_of_many_repositories_hides_no_other() -> None:
    warning = {"severity": "warning", "code": "replicated_deletion", "message": "To eu-west-1.", "image_digests": []}
    many = [preview_xcom(f"team/{number}", previewed(1), findings=[warning]) for number in range(30)]
    text = body(*many, {**ONE, "findings": [{**warning, "severity": "critical", "code": "would_empty_repository"}]})
    assert text.index("`would_empty_repository` in 1 repository") < text.index(
        "`replicated_deletion` in 30 repositories"
    )
    assert text.count("To eu-west-1.") == 4


def test_what_is_not_known_is_said() -> None:
    summaries = [preview_xcom(f"team/{number}", previewed(1), sample=[]) for number in range(7)]
    text = body(*summaries, rows=3)
    assert "an unknown size would be freed" in text
    assert "and 4 more" in text
    assert "Tags are not part of the approval in `team/0`" in text
    assert "and 2 more: there is no list of all images" in text
    assert "Tags are not part of the approval in `team/0` (123456789012, eu-west-1): there" in body(summaries[0])


def test_a_preview_that_affects_nothing_has_no_table() -> None:
    assert "## Repositories" not in body({**summary_xcom(summary())})
    assert "## Repositories" not in body()


def check(code: str = "max_images", verdict: str = "blocked", **fields: Any) -> dict[str, Any]:
    return {"code": code, "verdict": verdict, "message": "9 images; max_images is 3.", "image_digests": [], **fields}


def dry_run(*checks: Any, status: str = "blocked", **fields: Any) -> dict[str, Any]:
    repository = {
        **{key: ONE[key] for key in ("registry_id", "region_name", "repository_name", "policy_fingerprint")},
        "status": status,
        "spared": {"in_use": 1, "newest": 2},
        "checks": list(checks),
    }
    return {
        "schema": CLEANUP_SCHEMA,
        "dry_run": True,
        "statuses": {status: 1},
        "touched_image_count": 4,
        "touched_bytes_upper_bound": 1000,
        "spared_image_count": 3,
        "checks": [],
        "repositories": [repository],
        **fields,
    }


def test_a_dry_run_says_what_would_be_spared_and_what_blocks() -> None:
    result = dry_run(
        check(remedy="Raise max_images."), check(verdict="passed"), checks=[check("run_max_bytes", "unknown")]
    )
    text = body(ONE, dry_run_result=result)
    assert "4 images would be deleted, at most 1.0 kB; 3 would be spared: 1 `in_use`, 2 `newest`" in text, text
    assert "- **1 repository is blocked**" in text
    assert "- the whole run: `run_max_bytes`: 9 images; max\\_images is 3." in text
    assert "`max_images`: 9 images; max\\_images is 3. To fix this: Raise max\\_images." in text


def test_a_dry_run_of_policies_says_what_blocks() -> None:
    assert "- nothing is blocked" in body(ONE, action="put", dry_run_result=dry_run(status="planned"))
    assert "- **1 repository is blocked**" in body(ONE, action="put", dry_run_result=dry_run(check()))
    text = body(ONE, dry_run_result={**dry_run(status="dry_run"), "repositories": []})
    assert "3 would be spared\n" in text


WRONG: list[tuple[str, ApprovedAction, Any, str]] = [
    ("something else", "delete", "None", "not the result of a dry run"),
    ("of another operator", "delete", {**dry_run(), "schema": POLICY_CHANGE_SCHEMA}, "not the result of a dry run"),
    ("of a clean-up for policies", "put", dry_run(), "not the result of a dry run"),
    ("of one in earnest", "delete", {**dry_run(), "dry_run": False}, "not the result of a dry run"),
]


@pytest.mark.parametrize(("action", "result", "why"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_no_dry_run_of_the_same_is_an_error(action: ApprovedAction, result: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        dry_run_of_same(result, action, repositories_of([ONE]))


def test_a_dry_run_of_another_preview_is_an_error() -> None:
    assert dry_run_of_same(dry_run(), "delete", repositories_of([ONE]))["dry_run"]
    for other in ({**ONE, "policy_fingerprint": "0"}, preview_xcom("other", previewed(1))):
        with pytest.raises(ValueError, match="different previews of payments/api"):
            dry_run_of_same(dry_run(), "delete", repositories_of([other]))


def test_what_others_wrote_is_text() -> None:
    finding = {"severity": "warning", "code": "x", "message": "[click](http://evil) <b>", "image_digests": []}
    text = body(preview_xcom("a|b<script>", previewed(1), findings=[finding]))
    tokens = [child for token in MarkdownIt("commonmark").enable("table").parse(text) for child in token.children or ()]
    assert {token.type for token in tokens} <= {"text", "text_special", "code_inline", "strong_open", "strong_close"}
    assert r"| `a\x7cb<script>` (123456789012" in text


def cleanup_dry_run(**fields: Any) -> dict[str, Any]:
    value = {"schema": CLEANUP_SCHEMA, "dry_run": True, "statuses": {"dry_run": 1}, "checks": [], "repositories": []}
    return {**value, "touched_image_count": 60, "touched_bytes_upper_bound": 1, "spared_image_count": 27, **fields}


@pytest.mark.parametrize(
    ("result", "images"),
    [
        (None, "2 images"),
        (cleanup_dry_run(), "60 images"),
        (cleanup_dry_run(statuses={"blocked": 1}, touched_image_count=0), "2 images"),
        (cleanup_dry_run(checks=[{"verdict": "unknown"}], touched_image_count=0), "2 images"),
    ],
)
def test_the_subject_has_the_number_that_would_really_go_where_a_dry_run_knows_it(result: Any, images: str) -> None:
    assert images in approval_subject("delete", [ONE], dry_run=False, dry_run_result=result)


def test_the_body_has_money_a_time_limit_and_a_way_to_the_pages() -> None:
    sized = {**ONE, "expiring_bytes_upper_bound": 25_000_000_000}
    text = body(sized, price_per_gb_month=0.1, answer_by=NOW, links={"The run [x]": "/dags/a/runs/b/plugin/c"})
    assert "at most 25.0 GB would be freed by expiring images (layers are shared), at most $2.50 a month" in text
    assert f"**Answer by {NOW:%Y-%m-%d %H:%M} UTC.**" in text
    assert r"[The run \[x\]](/dags/a/runs/b/plugin/c)" in text
    assert "a month" not in body(ONE, price_per_gb_month=0.1), "the bytes are not known"


FORMER = '{"rules": [{"rulePriority": 1, "description": "```\\n# keep", "selection": {"countNumber": 10}}]}'


def put(*repositories: dict[str, Any], **fields: Any) -> dict[str, Any]:
    value = {"schema": POLICY_CHANGE_SCHEMA, "dry_run": True, "statuses": {"planned": 1}, "checks": []}
    return {**value, "repositories": [*repositories], **fields}


def planned(name: str, former: str | None = FORMER, fingerprint: str = "f") -> dict[str, Any]:
    return {
        "repository_name": name,
        "registry_id": "123456789012",
        "region_name": "eu-west-1",
        "status": "planned",
        "policy_fingerprint": fingerprint,
        "former_lifecycle_policy_text": former,
    }


def test_a_policy_is_shown_with_its_difference_to_the_applied_one_and_nothing_in_it_is_markup() -> None:
    wanted = FORMER.replace("10", "20")
    result = put(planned("a"), planned("b"), planned("c", None), lifecycle_policies={"f": wanted})
    text = body(ONE, action="put", dry_run_result=result)
    assert "In `a`, `b`, lines with `-` are removed and lines with `+` are added:" in text
    assert '-        "countNumber": 10' in text
    assert '+        "countNumber": 20' in text
    assert "`c` had no policy, and would get:" in text
    blocks = [token for token in MarkdownIt().parse(text) if token.type == "fence"]
    assert len(blocks) == 2
    assert "```\\n# keep" in blocks[0].content


def test_many_differences_and_long_ones_are_cut_and_old_results_have_none() -> None:
    long = json.dumps({"rules": [{"rulePriority": number} for number in range(200)]})
    many = [planned(f"r{number}", f'{{"rules": [{number}]}}') for number in range(5)]
    text = body(ONE, action="put", dry_run_result=put(*many, lifecycle_policies={"f": long}))
    assert "2 more differences are in the tab of the dry run." in text
    assert "more lines" in text
    assert len(text) < 20_000
    same = [planned(f"s{number}") for number in range(5)]
    assert "and 2 more" in body(ONE, action="put", dry_run_result=put(*same, lifecycle_policies={"f": "not json"}))
    assert "(the same policy)" in body(
        ONE, action="put", dry_run_result=put(planned("a"), lifecycle_policies={"f": FORMER})
    )
    assert "diff" not in body(ONE, action="put", dry_run_result=put(planned("a")))


def test_what_goes_in_replicas_is_named_once_with_its_repositories() -> None:
    there = check("replicas", "passed", message="ECR also deletes these images in eu: 2 of them are there now.")
    going = {**there, "image_digests": ["sha256:1", "sha256:2"]}
    text = body(ONE, dry_run_result=dry_run(going, status="planned"))
    assert text.count("2 of them are there now") == 1
    assert "- **replicas**, `payments/api` (123456789012, eu-west-1): ECR also deletes these images in eu" in text
    assert "replicas" not in body(ONE, dry_run_result=dry_run(there, status="planned"))


def test_checks_that_lack_the_same_fact_say_so_together() -> None:
    reason = "ECR's preview is of another policy."
    checks = [
        check("policy_unchanged", "unknown", message=f"The policy cannot be compared: {reason}"),
        check("in_use", "unknown", message=reason),
        check("image_age", "unknown", message=reason),
        check(),
    ]
    text = body(ONE, dry_run_result=dry_run(*checks))
    assert text.count("is of another policy") == 1
    assert "`in_use`, `image_age`, `policy_unchanged`: ECR" in text
    assert "`max_images`: 9 images; " in text


def test_the_subject_says_that_the_checks_block() -> None:
    subject = approval_subject("delete", [ONE], dry_run=False, dry_run_result=dry_run(check()))
    assert subject.endswith("delete 2 images of 1 repository? Checks block it: nothing changes until they pass.")


def test_the_dry_run_has_the_price_of_what_would_really_go() -> None:
    result = {**dry_run(status="planned"), "touched_image_count": 2, "touched_bytes_upper_bound": 5_000_000_000}
    text = body(ONE, dry_run_result=result, price_per_gb_month=0.1)
    assert "2 images would be deleted, at most 5.0 GB, at most $0.50 a month; " in text
