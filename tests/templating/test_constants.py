"""Constants of a DAG file are checked when it is imported, by the rules that hold when the task runs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ecr_preview.operators.ecr_approval import EcrApproveCleanupOperator as Approve
from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrListRepositoriesOperator,
    EcrMergeLifecycleAuditsOperator,
)
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrDeletePreviewedImagesOperator as Delete
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator as Compare
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from airflow_provider_ecr_preview.operators.ecr_preview import EcrStartLifecyclePolicyPreviewOperator
from airflow_provider_ecr_preview.operators.ecr_preview import EcrStartLifecyclePolicyPreviewOperator as Start
from airflow_provider_ecr_preview.operators.ecr_preview import EcrSummarizeLifecyclePolicyPreviewOperator as Summarize
from airflow_provider_ecr_preview.task_groups.lifecycle_audit import lifecycle_audit
from airflow_provider_ecr_preview.templating.constants import rules_of
from airflow_provider_ecr_preview.templating.parameters import RULES
from tests.support.operators import registered_operators
from tests.support.policies import keep

START = datetime(2026, 1, 1, tzinfo=UTC)
NEGATIVE = keep(-1)


def test_every_rule_is_of_a_parameter() -> None:
    parameters: set[str] = set()
    ruled = set(RULES)
    for operator in registered_operators():
        ruled |= set(rules_of(operator))
        for cls in operator.__mro__:
            parameters |= set(getattr(cls.__init__, "__annotations__", {}))
    assert ruled <= parameters


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"fail_on": "sometimes"},
            r"'lifecycle_audit.merge': fail_on is 'sometimes'. Use 'any', 'all', 'none', or a share",
        ),
        ({"batch_size": 0}, r"'lifecycle_audit.list': batch_size is 0"),
        ({"include": "Payments/*"}, r"'lifecycle_audit.list': include holds 'Payments/\*'"),
        (
            {"region_names": ["eu-cental-1"]},
            r"'lifecycle_audit.list': region_names is 'eu-cental-1'. AWS has no such Region",
        ),
        ({"region_name": "europe"}, r"'lifecycle_audit.list': region_name is 'europe'. AWS has no such Region"),
        ({"on_missing": "ignore"}, r"'lifecycle_audit.merge': on_missing is 'ignore'"),
        ({"retention_days": -1}, r"'lifecycle_audit.audit': retention_days is -1"),
        ({"check_replicas": "maybe"}, r"'lifecycle_audit.audit': check_replicas is 'maybe'"),
        ({"protected_tags": ["v1, v2"]}, r"'lifecycle_audit.audit': protected_tags holds 'v1, v2'"),
        (
            {"lifecycle_policy_text": NEGATIVE},
            r"task 'lifecycle_audit.audit' \(lifecycle_policy_text\) is not valid:\n",
        ),
        ({"lifecycle_policies": {"a/*": NEGATIVE}}, r"task 'lifecycle_audit.audit' \(lifecycle_policies\)"),
        ({"reports_path": "s3://key:secret@bucket/ecr"}, r"reports_path has a secret in it: s3://key:\*\*\*@"),
    ],
)
def test_a_wrong_constant_of_the_group_fails_with_the_task_and_the_parameter(
    arguments: Mapping[str, Any], message: str
) -> None:
    with DAG("weekly", schedule=None, start_date=START), pytest.raises(ValueError, match=message):
        lifecycle_audit(**arguments)


def test_default_args_are_constants_too() -> None:
    wrong = {"fail_on": "sometimes"}
    with DAG("weekly", schedule=None, start_date=START, default_args=wrong):
        with pytest.raises(ValueError, match="'audit': fail_on is 'sometimes'"):
            EcrAuditLifecyclePoliciesOperator(task_id="audit", repository_names="a")
        with pytest.raises(ValueError, match="'mapped': fail_on is 'sometimes'"):
            EcrAuditLifecyclePoliciesOperator.partial(task_id="mapped")


def test_a_mapped_task_is_not_checked_again_when_it_gets_its_values() -> None:
    with DAG("weekly", schedule=None, start_date=START):
        mapped = EcrStartLifecyclePolicyPreviewOperator.partial(task_id="start").expand(
            repository_name=EcrListRepositoriesOperator(task_id="list").output
        )
    task = mapped.unmap({"repository_name": "NOT A NAME"})
    assert task.repository_name == "NOT A NAME"


def test_a_dag_with_its_own_marks_of_jinja_leaves_texts_for_run_time() -> None:
    marks = {"variable_start_string": "<<", "variable_end_string": ">>"}
    with DAG("weekly", schedule=None, start_date=START, jinja_environment_kwargs=marks):
        EcrAuditLifecyclePoliciesOperator(
            task_id="a", repository_names="<< params.names >>", fail_on="<< params.share >>"
        )
        with pytest.raises(ValueError, match="max_workers is 0"):
            EcrAuditLifecyclePoliciesOperator(task_id="b", repository_names="<< params.names >>", max_workers=0)


def test_an_undefined_source_of_images_in_use_is_refused() -> None:
    with pytest.raises(ValueError, match="'in_use': sources has 'ecss', which is not a source"):
        EcrCollectImagesInUseOperator(task_id="in_use", sources=["ecss"])
    with pytest.raises(ValueError, match=r"'in_use': on_unread is 'ignore'\. Use 'report' or 'fail'"):
        EcrCollectImagesInUseOperator(task_id="in_use", on_unread="ignore")  # type: ignore[arg-type]  # the fault


@pytest.mark.parametrize(
    "region_name", ["eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "eu-central-9"]
)
def test_regions_of_every_partition_pass_and_so_does_one_that_may_be_newer_than_botocore(region_name: str) -> None:
    EcrListRepositoriesOperator(task_id="list", region_name=region_name)


def test_an_empty_text_and_none_are_the_default() -> None:
    EcrMergeLifecycleAuditsOperator(task_id="merge", audits=[], fail_on=None, on_missing="", reports_path="None")  # type: ignore[arg-type]


def test_the_error_of_the_import_is_in_the_dag_bag(tmp_path: Path) -> None:
    try:
        from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - slow
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag  # noqa: PLC0415

    file = tmp_path / "audit.py"
    file.write_text(
        "from airflow.sdk import DAG\n"
        "from airflow_provider_ecr_preview.operators.ecr_preview import EcrStartLifecyclePolicyPreviewOperator as Start\n"
        "with DAG('audit', schedule=None):\n"
        "    Start(task_id='start', repository_name='payments/api', lifecycle_policy_text='polices/keep.json')\n"
    )
    name = {"bundle_name": "tests"} if "bundle_name" in inspect.signature(DagBag).parameters else {}  # not in 3.1
    bag = DagBag(str(tmp_path), bundle_path=tmp_path, **name)
    [error] = bag.import_errors.values()
    assert "the task 'start' (lifecycle_policy_text) is not valid" in error
    assert "template_searchpath" in error


REPOSITORY = {"task_id": "task", "repository_name": "payments/api"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda task: Start(**REPOSITORY, registry_id=task),
            "registry_id is the task 'before' itself. Give its output",
        ),
        (lambda task: Delete(task_id="task", summary=task), "summary is the task 'before' itself. .* before.output"),
        (lambda task: Start(**REPOSITORY, deferrable="no"), "deferrable is 'no'. Use True or False; this parameter"),
        (lambda task: Start(**REPOSITORY, botocore_config="x"), "botocore_config is 'x'. Use a dict of options"),
        (
            lambda task: Start(**REPOSITORY, botocore_config={"retires": 1}),
            "unexpected keyword argument 'retires'.* See botocore",
        ),
        (
            lambda task: Summarize(**REPOSITORY, images_path="s3://a/b/"),
            "'s3://a/b/', which is a folder. Name a file in it",
        ),
        (
            lambda task: Compare(task_id="task", repository_names="a/b"),
            "1 policy to compare, the applied one. Set lifecycle_p",
        ),
        (lambda task: Approve(task_id="task", summary="{{ x }}", defaults="Approve"), "A timeout must not approve"),
        (lambda task: Approve(task_id="task", summary="{{ x }}", do_xcom_push=False), "Leave do_xcom_push on"),
        (
            lambda task: EcrAuditLifecyclePoliciesOperator(
                task_id="task", repository_names="a/b", read_manifests=True, enrich=False
            ),
            "read_manifests needs enrich",
        ),
        (
            lambda task: EcrAuditLifecyclePoliciesOperator(task_id="task", repository_names=["a/b", "a/b"]),
            "repository_names has a/b more than once",
        ),
    ],
)
def test_what_users_mix_up_is_refused_with_the_way_out(make: Any, message: str) -> None:
    with DAG("weekly", schedule=None, start_date=START):
        before = EcrListRepositoriesOperator(task_id="before")
        with pytest.raises(ValueError, match=rf"^The task 'task': .*{message}"):
            make(before)
