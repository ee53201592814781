"""Three plans in the format that Terraform documents, through ``lint`` and ``diff``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import AT, Run, Write, image, terraform
from tests.support.policies import keep

SHADOWED = {
    "rules": [
        {
            "rulePriority": priority,
            "selection": {"tagStatus": "tagged", name: [value], "countType": "imageCountMoreThan", "countNumber": 5},
            "action": {"type": "expire"},
        }
        for priority, (name, value) in enumerate([("tagPrefixList", "v"), ("tagPatternList", "v*")], 1)
    ]
}


def change(address: str, actions: list[str], before: Any, after: Any, **more: Any) -> dict[str, Any]:
    """Return one resource change as ``terraform show -json`` writes it."""

    def values(policy: Any) -> dict[str, Any] | None:
        if policy is None:
            return None
        return {"id": "api", "policy": json.dumps(policy, indent=2), "registry_id": "123456789012", "repository": "api"}

    return {
        "address": address,
        "mode": "managed",
        "type": "aws_ecr_lifecycle_policy",
        "name": address.rpartition(".")[2].partition("[")[0],
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {
            "actions": actions,
            "before": values(before),
            "after": values(after),
            "after_unknown": {},
            "before_sensitive": False,
            "after_sensitive": {},
        },
        **more,
    }


OTHERS: dict[str, Any] = {
    "address": "aws_ecr_repository.api",
    "mode": "managed",
    "type": "aws_ecr_repository",
    "change": {"actions": ["create"], "before": None, "after": {"name": "api"}, "after_unknown": {"arn": True}},
}
DATA = {
    "address": "data.aws_ecr_lifecycle_policy_document.this",
    "mode": "data",
    "type": "aws_ecr_lifecycle_policy_document",
    "change": {"actions": ["read"], "before": None, "after": {}, "after_unknown": {"json": True}},
}

PLANS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "a new repository with its policy": (
        terraform(OTHERS, change("aws_ecr_lifecycle_policy.this", ["create"], None, keep(10))),
        [],
        ["1 policy, 1 changed", "2 images newly affected"],
    ),
    "a change within a module with for_each": (
        terraform(
            DATA,
            change(
                'module.ecr["api"].aws_ecr_lifecycle_policy.this["api"]',
                ["update"],
                keep(11),
                SHADOWED,
                module_address='module.ecr["api"]',
                index="api",
            ),
        ),
        ["warning"],
        ["1 policy, 1 changed", 'module.ecr["api"]'],
    ),
    "a replacement, a deletion and what does not change": (
        terraform(
            change("aws_ecr_lifecycle_policy.moved", ["delete", "create"], keep(12), keep(11)),
            change("aws_ecr_lifecycle_policy.gone", ["delete"], keep(3), None),
            change("aws_ecr_lifecycle_policy.same", ["no-op"], keep(11), keep(11)),
        ),
        [],
        ["3 policies, 2 changed", "The policy is removed"],
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_goes_through_lint_and_diff(run: Run, write: Write, name: str) -> None:
    plan, severities, said = PLANS[name]
    path = write("plan.json", plan)
    linted = run("lint", path, "--format", "json")
    assert (linted.code, [finding["severity"] for finding in linted.json["findings"]]) == (0, severities)
    images = write(
        "images.json", [image(number, f"v{number}", days=number + 1, repositoryName="api") for number in range(12)]
    )
    done = run("diff", path, "--images", images, "--at", AT, "--fail-on", "never")
    assert done.code == 0
    shown = " ".join(done.out.split())
    assert all(text in shown for text in said), shown
