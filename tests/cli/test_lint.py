"""``ecr-preview lint``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import Run, Write, planned, terraform
from tests.cli.real_policies import REAL_POLICIES
from tests.cli.sarif_schema import SARIF
from tests.support.policies import keep

WRONG = (
    '{\n "rules": [\n  {"rulePriority": 3, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan"}}\n]}'
)


def codes(found: Any) -> list[str]:
    return [finding["code"] for finding in found["findings"]]


def test_twenty_real_policies_are_linted(run: Run, write: Write) -> None:
    assert len(REAL_POLICIES) == 20
    for policy, expected in REAL_POLICIES:
        done = run("lint", write("policy.json", policy), "--format", "json")
        assert codes(done.json) == expected
        assert done.code == (1 if done.json["findings"] and done.json["findings"][0]["severity"] == "error" else 0)


def test_a_finding_names_its_file_its_line_and_what_to_write(run: Run, write: Write) -> None:
    done = run("lint", write("policy.json", WRONG))
    assert done.code == 1
    assert 'policy.json:3: error: rule 3: "countNumber" is missing. [count_number_invalid] Write a whole' in done.out
    assert done.out.splitlines()[-1] == "1 policy, 2 errors, 0 warnings."


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("never", 0)])
def test_the_exit_code_says_whether_a_limit_was_reached(run: Run, write: Write, fail_on: str, code: int) -> None:
    policy = REAL_POLICIES[16][0]
    assert run("lint", write("policy.json", policy), "--fail-on", fail_on).code == code


def test_a_plan_is_linted_resource_by_resource(run: Run, write: Write) -> None:
    plan = terraform(
        planned("module.a.aws_ecr_lifecycle_policy.this", "api", None, {"rules": []}),
        planned("aws_ecr_lifecycle_policy.gone", "web", keep(3), None),
        planned("aws_ecr_lifecycle_policy.later", "job", None, None, after_unknown={"policy": True}),
    )
    done = run("lint", write("plan.json", plan))
    assert "plan.json:1: (module.a.aws_ecr_lifecycle_policy.this) error: policy: the policy has no rule." in done.out
    assert "(aws_ecr_lifecycle_policy.later) warning: policy: Terraform knows the policy only after" in done.out
    assert "gone" not in done.out


def test_a_template_in_yaml_is_linted(run: Run, write: Write) -> None:
    text = "Resources:\n  Api:\n    Type: AWS::ECR::Repository\n    Properties:\n      LifecyclePolicy:\n"
    text += f"        LifecyclePolicyText: !Sub '{json.dumps({'rules': []})}'\n"
    done = run("lint", write("stack.yaml", text))
    assert "stack.yaml:2: (Api) error: policy: the policy has no rule." in done.out


@pytest.mark.parametrize(
    ("tag", "function"), [("!Ref P", "Ref"), ("!Select [0, [a]]", "Fn::Select"), ("!If {}", "Fn::If")]
)
def test_the_short_functions_of_cloudformation_are_known(run: Run, write: Write, tag: str, function: str) -> None:
    text = "Resources: {Api: {Type: 'AWS::ECR::Repository', Properties: {LifecyclePolicy: {LifecyclePolicyText: "
    done = run("lint", write("stack.yaml", f"# a template\n{text}{tag}}}}}}}}}"))
    assert f"because it uses {function}." in done.out


def test_yaml_that_cannot_be_read_is_an_error(run: Run, write: Write) -> None:
    done = run("lint", write("stack.yaml", "a: [\n"))
    assert (done.code, done.err.startswith("ecr-preview: stack.yaml: this is not YAML: ")) == (3, True)


def test_a_folder_of_cdk_gives_its_templates(run: Run, write: Write) -> None:
    properties = {"LifecyclePolicy": {"LifecyclePolicyText": json.dumps({"rules": []})}}
    write(
        "cdk.out/App.template.json", {"Resources": {"Api": {"Type": "AWS::ECR::Repository", "Properties": properties}}}
    )
    write("cdk.out/manifest.json", keep(0))
    done = run("lint", "cdk.out", "--format", "json")
    assert codes(done.json) == ["policy_too_short", "rules_empty"]


def test_a_folder_of_policies_gives_them_all_and_nothing_else(run: Run, write: Write) -> None:
    for name, content in {
        "a.json": keep(0),
        "b/c.json": keep(3),
        "b/package.json": {"name": "x"},
        "note.txt": "x",
    }.items():
        write(f"policies/{name}", content)
    done = run("lint", "policies", "--format", "json")
    assert (done.json["policy_count"], codes(done.json)) == (2, ["count_number_invalid"])


def test_a_folder_without_a_policy_is_an_error(run: Run, write: Write) -> None:
    write("empty/package.json", {"name": "x"})
    done = run("lint", "empty")
    assert (done.code, done.err) == (3, "ecr-preview: empty: no file in this folder holds a lifecycle policy.\n")


def test_markdown_shows_findings_in_a_table(run: Run, write: Write) -> None:
    plan = terraform(planned("aws_ecr_lifecycle_policy.a|b", "api", None, {"rules": []}))
    done = run("lint", write("plan.json", plan), "--format", "markdown")
    assert "| `plan.json:1` `aws_ecr_lifecycle_policy.a\\x7cb` | error |  | the policy has no rule." in done.out
    assert "| --- |" not in run("lint", write("good.json", keep(30)), "--format", "markdown").out


def test_sarif_has_a_result_for_every_finding(run: Run, write: Write) -> None:
    plan = terraform(planned("aws_ecr_lifecycle_policy.api", "api", None, {"rules": []}))
    done = run("lint", write("a b.json", WRONG), write("plan.json", plan), "--format", "sarif")
    (log,) = done.json["runs"]
    assert done.json["version"] == "2.1.0"
    assert {result["ruleId"] for result in log["results"]} == {rule["id"] for rule in log["tool"]["driver"]["rules"]}
    first, *_, last = log["results"]
    (location,) = first["locations"]
    assert location["physicalLocation"] == {"artifactLocation": {"uri": "a%20b.json"}, "region": {"startLine": 3}}
    assert last["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "aws_ecr_lifecycle_policy.api"
    assert {result["level"] for result in log["results"]} == {"error"}


def test_sarif_meets_its_schema(run: Run, write: Write) -> None:
    policies = [write(f"policies/{number} <é>.json", policy) for number, (policy, _) in enumerate(REAL_POLICIES)]
    plan = terraform(
        planned('module.a["x"].aws_ecr_lifecycle_policy.api', "api", None, {"rules": []}),
        planned("aws_ecr_lifecycle_policy.later", "job", None, None, after_unknown={"policy": True}),
    )
    for inputs in ([*policies, write("plan.json", plan), write("wrong.json", WRONG)], [write("good.json", keep(30))]):
        done = run("lint", *inputs, "--format", "sarif")
        jsonschema.validate(done.json, SARIF, jsonschema.Draft202012Validator)


def test_standard_input_is_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.read", lambda: json.dumps({"rules": []}), raising=False)
    done = run("lint", "-", "--format", "sarif")
    assert done.json["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "stdin"


def test_the_output_goes_to_a_file_on_request(run: Run, write: Write, tmp_path: Path) -> None:
    path = write("policy.json", keep(30))
    assert run("lint", path, "--output", "out.txt").out == ""
    assert (tmp_path / "out.txt").read_text() == "1 policy, 0 errors, 0 warnings.\n"
    done = run("lint", path, "--output", "missing/out.txt")
    assert (done.code, done.err.split(":")[1].strip()) == (3, "missing/out.txt")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not UTF-8"])
def test_a_file_that_cannot_be_read_is_an_error(run: Run, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "policy.json").write_bytes(content)
    done = run("lint", "policy.json")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("ecr-preview: policy.json: this file ")


def test_a_file_of_something_else_is_an_error(run: Run, write: Write) -> None:
    done = run("lint", write("package.json", {"name": "x"}))
    assert (done.code, "there is no lifecycle policy in this file" in done.err) == (3, True)


def test_what_others_wrote_is_shown_as_text(run: Run, write: Write) -> None:
    done = run("lint", write("policy.json", {"rules": [], "\x1b[31mred": 1}))
    assert "\x1b" not in done.out
    assert "\\x1b[31mred" in done.out


@pytest.mark.parametrize(
    "text",
    [
        '{"rules": [' + "[" * 100_000,
        '{"rules": [{"rulePriority": ' + "9" * 5_000 + "}]}",
        '{"rules": [], "\\ud800": 1}',
        '{"rules": NaN}',
        "\ufeff" + json.dumps(keep(0)),
        json.dumps(keep(0), indent=1).replace("\n", "\r\n"),
        "\x00",
    ],
    ids=[
        "deep",
        "a long number",
        "a surrogate",
        "no JSON number",
        "a mark of byte order",
        "line ends of Windows",
        "a null",
    ],
)
@pytest.mark.parametrize("form", ["text", "json", "markdown", "sarif"])
def test_whatever_is_in_a_file_is_a_finding(run: Run, write: Write, text: str, form: str) -> None:
    done = run("lint", write("policy.json", text), "--format", form)
    assert (done.code, done.err) == (1, "")
    assert done.out


def test_a_terminal_that_cannot_show_a_character_gets_it_escaped(run: Run, write: Write, tmp_path: Path) -> None:
    files = [write("a.json", keep(5)), write("b.json", keep(4))]
    command = [sys.executable, "-m", "airflow_provider_ecr_preview.cli", "diff", *files]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment, timeout=300
    )
    assert "\\u2192 Rule 1: Expires all images beyond the newest 4." in done.stdout


def test_no_arguments_are_a_mistake_of_usage(run: Run) -> None:
    assert run("lint").code == 2
    assert run().code == 2
    assert run("--help").code == 0
