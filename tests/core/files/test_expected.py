"""Which repository the policies of files are for, and YAML with the tags of CloudFormation."""

from __future__ import annotations

import json

import pytest
import yaml

from airflow_provider_ecr_preview.core.files.expected import expected_policies, repository_of_file
from airflow_provider_ecr_preview.core.files.found import FoundPolicy, UnreadableFileError
from airflow_provider_ecr_preview.core.files.yaml_text import load_yaml


def text(count: int = 5) -> str:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def test_a_policy_is_for_the_repository_that_it_names_or_that_its_file_is_given_for() -> None:
    policies = expected_policies(
        [
            (FoundPolicy(path="plan.json", address="a.b", repository_name="shop/web", text=text()), "plan"),
            (FoundPolicy(path="api.json", text=text()), "payments/api"),
            (FoundPolicy(path="all.json", text=text()), "payments/*"),
            (FoundPolicy(path="plan.json", address="a.c", repository_name="old"), None),
            (FoundPolicy(path="plan.json", address="a.template", text=text()), "plan"),
            (FoundPolicy(path="plan.json", address="a.d", repository_name="later", unknown="Not yet."), None),
        ]
    )
    assert set(policies.by_name) == {"shop/web", "payments/api", "old", "later"}
    assert set(policies.by_glob) == {"payments/*"}
    assert policies.by_name["shop/web"].source == "plan.json (a.b)"
    assert policies.by_name["old"].policy is None
    assert policies.by_name["later"].unknown == "Not yet."


def test_a_policy_for_no_repository_is_refused() -> None:
    with pytest.raises(UnreadableFileError, match=r"p\.json: this policy does not name its repository"):
        expected_policies([(FoundPolicy(path="p.json", text=text()), None)])


def test_a_file_that_is_not_a_policy_is_refused() -> None:
    with pytest.raises(UnreadableFileError, match=r"p\.json: this is not a lifecycle policy"):
        expected_policies([(FoundPolicy(path="p.json", text="{"), "api")])


def test_the_same_policy_twice_is_fine_and_two_policies_for_one_repository_are_refused() -> None:
    twice = [(FoundPolicy(path=f"{number}.json", text=text()), "api") for number in (1, 2)]
    assert expected_policies(twice).by_name["api"].source == "1.json"
    with pytest.raises(UnreadableFileError, match=r"3\.json: this policy for api differs from the one in 1\.json"):
        expected_policies([*twice, (FoundPolicy(path="3.json", text=text(6)), "api")])
    with pytest.raises(UnreadableFileError, match="differs"):
        expected_policies([*twice, (FoundPolicy(path="plan", repository_name="api", unknown="Not yet."), None)])


@pytest.mark.parametrize(
    ("path", "repository"),
    [("payments/api.json", "payments/api"), ("web.yml", "web"), ("a.b.json", "a.b"), ("README.md", None)],
)
def test_the_path_of_a_file_is_the_name_of_its_repository(path: str, repository: str | None) -> None:
    assert repository_of_file(path) == repository


def test_the_short_tags_of_cloudformation_are_functions() -> None:
    document = load_yaml(yaml, "a: !Ref B\nc: !Sub [d, {e: f}]\ng: !GetAtt {h: i}\n")
    assert document == {"a": {"Ref": "B"}, "c": {"Fn::Sub": ["d", {"e": "f"}]}, "g": {"Fn::GetAtt": {"h": "i"}}}


def test_text_that_is_not_yaml_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        load_yaml(yaml, "a:\tb\n  c")
