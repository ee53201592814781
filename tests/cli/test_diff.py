"""``ecr-preview diff``."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import AT, Run, Write, image, planned, terraform
from tests.cli.real_policies import REAL_POLICIES
from tests.support.builders import REPOSITORY, digest
from tests.support.policies import keep

IMAGES = [image(number, f"v{number}", days=number) for number in range(1, 11)]
PULLED = image(11, "live", days=40, lastRecordedPullTime=AT)
UNTAGGED = {"rules": [*keep(2, "untagged")["rules"], {**keep(8)["rules"][0], "rulePriority": 2}]}
ARCHIVING = {
    "rules": [
        {**keep(3)["rules"][0], "action": {"type": "transition", "targetStorageClass": "archive"}},
    ]
}


@pytest.fixture(name="images")
def _images(write: Write) -> str:
    return write("images.json", [*IMAGES, PULLED])


def test_the_images_that_would_newly_go_are_listed_with_those_pulled_last_first(
    run: Run, write: Write, images: str
) -> None:
    plan = write("plan.json", terraform(planned("p.api", REPOSITORY, keep(10), keep(8))))
    done = run("diff", plan, "--images", images, "--at", AT, "--format", "json")
    (policy,) = done.json["policies"]
    assert policy["rules_changed"] == [
        "Rule 1: Expires all images beyond the newest 10. → Rule 1: Expires all images beyond the newest 8."
    ]
    assert [of["image_digest"] for of in policy["images"]["newly_affected"]] == [digest(9), digest(10)]
    assert policy["images"]["newly_affected_bytes_upper_bound"] == 2_000_000
    assert done.code == 0
    done = run("diff", write("old.json", keep(11)), write("new.json", keep(9)), "--images", images, "--at", AT)
    assert done.out.index("live") < done.out.index("v10")
    assert (done.code, "CRITICAL recently_pulled_image_expires" in done.out) == (1, True)


def test_images_that_no_longer_go_are_counted(run: Run, write: Write, images: str) -> None:
    files = [write("old.json", keep(8)), write("new.json", keep(10))]
    done = run("diff", *files, "--images", images, "--at", AT)
    assert "0 images newly affected (at most 0 B), 2 no longer affected." in " ".join(done.out.split())


def test_an_image_that_was_archived_and_now_expires_is_newly_affected(run: Run, write: Write, images: str) -> None:
    files = [write("old.json", ARCHIVING), write("new.json", keep(3))]
    done = run("diff", *files, "--images", images, "--at", AT, "--format", "json")
    assert len(done.json["policies"][0]["images"]["newly_affected"]) == 8
    done = run("diff", *reversed(files), "--images", images, "--at", AT, "--format", "json")
    assert done.json["policies"][0]["images"]["newly_affected"] == []


def test_rules_are_compared_without_images(run: Run, write: Write) -> None:
    done = run("diff", write("old.json", keep(10)), write("new.json", UNTAGGED))
    assert "Images were not given, so only the rules are compared." in done.out
    assert (
        "~ Rule 1: Expires all images beyond the newest 10. → Rule 2: Expires all images beyond the newest 8."
        in done.out
    )
    assert "+ Rule 1: Expires untagged images beyond the newest 2." in done.out
    done = run("diff", write("new.json", UNTAGGED), write("old.json", keep(8)))
    assert "- Rule 1: Expires untagged images beyond the newest 2." in done.out


def test_a_policy_may_be_new_or_removed(run: Run, write: Write, images: str) -> None:
    policy, none = write("policy.json", keep(8)), write("none.json", "")
    done = run("diff", none, policy, "--images", images, "--at", AT, "--format", "json", "--fail-on", "never")
    assert len(done.json["policies"][0]["images"]["newly_affected"]) == 3
    done = run("diff", policy, none, "--images", images, "--at", AT)
    assert "The policy is removed, so nothing expires any more." in done.out
    assert run("diff", none, none).out == "0 policies, 0 changed.\n"


def test_the_same_rules_in_other_words_are_no_change(run: Run, write: Write) -> None:
    rules = keep(8)["rules"]
    described = {"rules": [{**rules[0], "description": "keep eight"}]}
    done = run("diff", write("old.json", keep(8)), write("new.json", described))
    assert done.out == "new.json: The rules stay the same.\n1 policy, 0 changed.\n"
    assert "| Policy |" not in run("diff", "old.json", "new.json", "--format", "markdown").out


@pytest.mark.parametrize(("most", "code"), [("2", 1), ("3", 0)])
def test_too_many_images_are_an_exit_code(run: Run, write: Write, images: str, most: str, code: int) -> None:
    files = [write("none.json", ""), write("policy.json", keep(8))]
    arguments = ("--images", images, "--at", AT, "--fail-on", "never", "--max-newly-affected", most)
    assert run("diff", *files, *arguments).code == code


@pytest.mark.parametrize("number", ["-1", "many", "1.5"])
def test_a_limit_is_a_whole_number(run: Run, number: str) -> None:
    assert run("diff", "plan.json", f"--max-newly-affected={number}").code == 2


def test_a_policy_that_ecr_would_refuse_is_an_exit_code(run: Run, write: Write, images: str) -> None:
    files = [write("old.json", keep(8)), write("new.json", {"rules": []})]
    for form in ("text", "markdown", "json"):
        done = run("diff", *files, "--images", images, "--format", form)
        assert (done.code, "rules_empty" in done.out.replace("\\_", "_")) == (1, True)


def test_a_plan_shows_every_kind_of_change(run: Run, write: Write, images: str) -> None:
    plan = terraform(
        planned("p.api", REPOSITORY, keep(10), keep(8)),
        planned("p.web", "web", None, keep(3)),
        planned("p.old", "old", keep(3), None),
        planned("p.same", "same", keep(3), keep(3)),
        planned("p.later", "later", keep(3), None, after_unknown={"policy": True}),
    )
    path = write("plan.json", plan)
    for form in ("text", "markdown"):
        done = run("diff", path, "--images", images, "--at", AT, "--format", form)
        shown = " ".join(done.out.replace("\\", "").split())
        assert "5 policies, 3 changed." in shown
        assert "2 images newly affected (at most 2.0 MB), 0 no longer affected." in shown
        assert "Not known: Terraform knows the policy only after" in shown
        assert "The policy is removed" in shown
        assert ("p.same" in shown) is (form == "text")
    assert done.out.count("#### ") == 3  # there is no more to say about p.later than the table does
    assert "\n\n- **" not in done.out


def test_two_states_or_templates_are_compared_resource_by_resource(run: Run, write: Write) -> None:
    def state(**policies: object) -> dict[str, object]:
        resources = [
            {
                "address": name,
                "type": "aws_ecr_lifecycle_policy",
                "values": {"repository": name, "policy": json.dumps(policy)},
            }
            for name, policy in policies.items()
        ]
        root = {"root_module": {"resources": resources}}
        return {"format_version": "1.0", "terraform_version": "1.9.8", "values": root}

    before = write("before.json", state(a=keep(3), b=keep(3)))
    after = write("after.json", state(b=keep(4), c=keep(5)))
    done = run("diff", before, after, "--format", "json")
    changes = {
        policy["address"]: [len(policy[f"rules_{kind}"]) for kind in ("added", "removed", "changed")]
        for policy in done.json["policies"]
    }
    assert changes == {"a": [0, 1, 0], "b": [0, 0, 1], "c": [1, 0, 0]}


def test_a_former_policy_that_is_not_known_is_said_so(run: Run, write: Write) -> None:
    properties = {"LifecyclePolicy": {"LifecyclePolicyText": {"Ref": "Policy"}}}
    template = {"Resources": {"Api": {"Type": "AWS::ECR::Repository", "Properties": properties}}}
    done = run("diff", write("old.json", template), write("new.json", keep(3)))
    assert "Not known: The former policy: CloudFormation knows the policy only when" in done.out


def test_a_former_policy_that_is_no_policy_is_an_error(run: Run, write: Write) -> None:
    done = run("diff", write("old.json", '{"rules": 3}'), write("new.json", keep(3)))
    assert (done.code, "new.json: the former policy cannot be read" in done.err) == (3, True)


def test_one_file_without_the_former_policy_is_not_enough(run: Run, write: Write) -> None:
    done = run("diff", write("policy.json", keep(3)))
    assert (done.code, "Give two files, the former and the new one" in done.err) == (3, True)


def test_three_files_are_a_mistake_of_usage(run: Run, write: Write) -> None:
    path = write("policy.json", keep(3))
    assert run("diff", path, path, path).code == 2


@pytest.mark.parametrize("policy", [policy for policy, codes in REAL_POLICIES if codes != ["not_json"]])
def test_real_policies_are_compared_with_none(run: Run, write: Write, images: str, policy: str) -> None:
    done = run("diff", write("none.json", ""), write("policy.json", policy), "--images", images, "--at", AT)
    assert done.code in (0, 1)
    assert "+ Rule 1" in done.out or "ECR would refuse this policy." in done.out
