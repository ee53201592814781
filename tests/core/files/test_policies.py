"""Which lifecycle policies are found in which kind of file."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.files.found import FoundPolicy, UnreadableFileError
from airflow_provider_ecr_preview.core.files.policies import read_policies
from tests.support.policies import rule

POLICY = json.dumps({"rules": [rule()]})
OTHER = json.dumps({"rules": [rule(2)]})


def read(document: Any, path: str = "file.json", **options: Any) -> list[FoundPolicy]:
    return read_policies(path, document if isinstance(document, str) else json.dumps(document), **options)


def plan(*changes: Any) -> dict[str, Any]:
    return {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": list(changes)}


def change(kind: str = "aws_ecr_lifecycle_policy", **fields: Any) -> dict[str, Any]:
    return {"address": f"{kind}.api", "mode": "managed", "type": kind, "change": {"actions": ["update"], **fields}}


def template(**properties: Any) -> dict[str, Any]:
    return {"Resources": {"Api": {"Type": "AWS::ECR::Repository", "Properties": properties}}}


def policy_text(value: Any) -> dict[str, Any]:
    return template(LifecyclePolicy={"LifecyclePolicyText": value})


def test_a_policy_is_read_as_it_is_written() -> None:
    (found,) = read(f"\n{POLICY}\n")
    assert (found.text, found.name, found.has_former) == (f"\n{POLICY}\n", "file.json", False)


def test_an_empty_file_means_no_policy() -> None:
    (found,) = read(" \n")
    assert (found.text, found.unknown) == (None, None)


def test_a_text_that_is_no_json_is_a_policy_for_the_linter() -> None:
    (found,) = read('{"rules": [,]}')
    assert found.text == '{"rules": [,]}'


@pytest.mark.parametrize("document", [[], 1, "null", {}, {"rule": []}, {"Resources": []}, {"format_version": "1.2"}])
def test_a_file_without_a_place_for_a_policy_is_refused(document: Any) -> None:
    with pytest.raises(UnreadableFileError, match=r"^file\.json: there is no lifecycle policy in this file"):
        read(document)


@pytest.mark.parametrize(("name", "repository"), [("payments/api", "payments/api"), (None, None)])
def test_the_output_of_the_aws_cli_is_read(name: str | None, repository: str | None) -> None:
    (found,) = read({"repositoryName": name, "lifecyclePolicyText": POLICY})
    assert (found.text, found.repository_name) == (POLICY, repository)


def test_a_plan_has_the_policy_before_and_after() -> None:
    before, after = ({"repository": "api", "policy": text} for text in (POLICY, OTHER))
    (found,) = read(plan(change(before=before, after=after, after_unknown={})))
    assert (found.former_text, found.text, found.repository_name) == (POLICY, OTHER, "api")
    assert (found.has_former, found.name) == (True, "file.json (aws_ecr_lifecycle_policy.api)")


def test_a_policy_that_is_created_has_none_before() -> None:
    (found,) = read(plan(change(before=None, after={"repository": "api", "policy": POLICY})))
    assert (found.former_text, found.text) == (None, POLICY)


def test_a_policy_that_is_destroyed_has_none_after() -> None:
    (found,) = read(plan(change(actions=["delete"], before={"repository": "api", "policy": POLICY}, after=None)))
    assert (found.former_text, found.text, found.repository_name) == (POLICY, None, "api")


def test_a_policy_that_terraform_forgets_stays() -> None:
    (found,) = read(plan(change(actions=["forget"], before={"repository": "api", "policy": POLICY}, after=None)))
    assert (found.former_text, found.text) == (POLICY, POLICY)


def test_a_policy_that_only_applying_shows_is_not_known() -> None:
    (found,) = read(plan(change(before=None, after={"repository": "api"}, after_unknown={"policy": True})))
    assert found.text is None
    assert "only after it applies the plan" in str(found.unknown)


def test_a_creation_template_of_terraform_has_a_policy() -> None:
    kind = "aws_ecr_repository_creation_template"
    (found,) = read(plan(change(kind, after={"prefix": "ROOT", "lifecycle_policy": POLICY})))
    assert (found.text, found.repository_name) == (POLICY, None)


@pytest.mark.parametrize(
    "resource",
    [
        change("aws_ecr_repository", after={"policy": POLICY}),
        {**change(after={"policy": POLICY}), "mode": "data"},
        {**change(), "change": None},
        "a text",
    ],
)
def test_other_resources_of_a_plan_are_passed_over(resource: Any) -> None:
    assert read(plan(resource)) == []


def test_a_state_has_policies_in_all_modules() -> None:
    resource = {"address": "a.b", "type": "aws_ecr_lifecycle_policy", "values": {"repository": "api", "policy": POLICY}}
    without = {"type": "aws_ecr_lifecycle_policy", "values": {"policy": " "}}
    child = {"resources": [resource, without, {"type": "aws_s3_bucket"}]}
    root = {"resources": [resource], "child_modules": [child]}
    found = read({"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": root}})
    assert [(policy.text, policy.has_former) for policy in found] == [(POLICY, False)] * 2


def test_an_empty_state_has_none() -> None:
    assert read({"format_version": "1.0", "terraform_version": "1.9.0"}) == []


def test_a_template_names_repository_and_line() -> None:
    document = template(RepositoryName="payments/api", LifecyclePolicy={"LifecyclePolicyText": POLICY})
    (found,) = read(json.dumps(document, indent=1))
    assert (found.address, found.repository_name, found.text, found.line) == ("Api", "payments/api", POLICY, 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"Fn::Sub": "x${!y}z"}, "x${y}z"),
        ({"Fn::Join": ["", [POLICY[:20], POLICY[20:]]]}, POLICY),
        ({"Fn::ToJsonString": json.loads(POLICY)}, POLICY),
        (json.loads(POLICY), POLICY),
    ],
)
def test_what_needs_no_deployment_is_read(value: Any, text: str) -> None:
    (found,) = read(policy_text(value))
    assert (found.text, found.unknown) == (text, None)


@pytest.mark.parametrize(
    ("value", "function"),
    [
        ({"Ref": "Policy"}, "Ref"),
        ({"Fn::Sub": "${Policy}"}, "Fn::Sub with ${Policy}"),
        ({"Fn::Sub": ["x", {}]}, "Fn::Sub"),
        ({"Fn::Join": ["", {"Ref": "Parts"}]}, "Fn::Join"),
        ({"Fn::Join": ["", ["a", {"Ref": "Part"}]]}, "Ref"),
        ({"Fn::ToJsonString": {"rules": [{"rulePriority": {"Ref": "Number"}}]}}, "a function within Fn::ToJsonString"),
        ({"rules": [{"Fn::If": []}]}, "a function in the policy"),
        (3, "a value that is no text"),
    ],
)
def test_what_only_a_deployment_knows_is_not_known(value: Any, function: str) -> None:
    (found,) = read(policy_text(value))
    assert found.text is None
    assert str(found.unknown).endswith(f"because it uses {function}.")


@pytest.mark.parametrize("name", [{"Ref": "Name"}, None])
def test_a_repository_may_have_no_name_of_its_own(name: Any) -> None:
    properties = {"LifecyclePolicy": {"LifecyclePolicyText": POLICY}} | ({"RepositoryName": name} if name else {})
    (found,) = read(template(**properties))
    assert found.repository_name is None


def test_a_creation_template_of_cloudformation_has_a_policy() -> None:
    kind = "AWS::ECR::RepositoryCreationTemplate"
    (found,) = read({"Resources": {"All": {"Type": kind, "Properties": {"LifecyclePolicy": POLICY}}}})
    assert (found.text, found.repository_name) == (POLICY, None)


@pytest.mark.parametrize(
    "resource",
    [
        {"Type": "AWS::ECR::Repository"},
        {"Type": "AWS::ECR::Repository", "Properties": {}},
        {"Type": "AWS::S3::Bucket", "Properties": {"LifecyclePolicy": {"LifecyclePolicyText": POLICY}}},
        {"Type": "AWS::ECR::Repository", "Properties": {"LifecyclePolicy": {}}},
        "a text",
    ],
)
def test_other_resources_of_a_template_are_passed_over(resource: Any) -> None:
    assert read({"Resources": {"Other": resource}}) == []


def test_yaml_is_read_where_the_caller_can() -> None:
    document = {"Resources": {"Api": policy_text(POLICY)["Resources"]["Api"]}}
    (found,) = read("Resources:", "t.yaml", load_yaml=lambda _: document)
    assert found.text == POLICY
    (found,) = read("rules:", "p.yml", load_yaml=lambda _: json.loads(POLICY))
    assert found.text == POLICY


def test_a_date_in_yaml_is_a_text() -> None:
    document = {"rules": [{**rule(), "description": date(2026, 11, 23), date(2026, 1, 1): 1}]}
    for loaded in (document, policy_text(document), policy_text({"Fn::ToJsonString": document})):
        (found,) = read("yaml:", "p.yaml", load_yaml=lambda _, loaded=loaded: loaded)
        assert json.loads(found.text or "")["rules"][0]["description"] == "2026-11-23"


def test_yaml_that_cannot_be_read_is_refused() -> None:
    def refuse(_: str) -> Any:
        raise ValueError("a tab in line 3")

    with pytest.raises(UnreadableFileError, match=r"t\.yaml: this is not YAML: a tab in line 3"):
        read("a:\tb", "t.yaml", load_yaml=refuse)


def test_json_is_json_whatever_the_file_is_called() -> None:
    (found,) = read(POLICY, "policy.yaml", load_yaml=lambda _: pytest.fail("read as YAML"))
    assert found.text == POLICY


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SHAPES = st.one_of(
    JSON,
    st.builds(plan, JSON),
    st.builds(lambda **fields: plan(change(**fields)), before=JSON, after=JSON, after_unknown=JSON, actions=JSON),
    st.builds(lambda inner: {**plan(), "resource_changes": None, "values": {"root_module": inner}}, JSON),
    st.builds(lambda inner: {"Resources": {"Api": inner}}, JSON),
    st.builds(template, LifecyclePolicy=JSON, RepositoryName=JSON),
    st.builds(policy_text, JSON),
)


@given(SHAPES)
def test_any_json_is_read_or_refused_by_name(document: Any) -> None:
    reason = ""
    try:
        found = read(document)
    except UnreadableFileError as error:
        found, reason = [], str(error)
    assert all(policy.text is None or policy.unknown is None for policy in found)
    assert reason.startswith("file.json: ") is (reason != "")
