"""The tags that are protected are protected in every spelling of their list, whatever Jinja makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from tests.support.contexts import task_context

SPELLINGS = ["latest, prod*", "['latest', 'prod*']", '["latest","prod*"]']

TEMPLATES = [
    ("{{ params.tags }}", ["latest", "prod*"]),
    (["latest", "{{ params.tags }}"], "prod*"),
]


@pytest.fixture
def deployed(bench: Any) -> str:
    """Return the digest of an old image that is tagged for production, among those that the policy takes."""
    digest: str = bench.digests()[3]
    bench.tag(digest, "prod-2024")
    return digest


@pytest.mark.changes_registry
@pytest.mark.parametrize("spelled", SPELLINGS)
def test_an_image_for_production_is_not_deleted(bench: Any, deployed: str, spelled: str) -> None:
    result = bench.clean_up(bench.preview(), protected_tags=spelled)
    assert (result["status"], result["touched_image_count"]) == ("done", 9)
    assert bench.check(result, "protected_tags")["verdict"] == "spared"
    assert deployed in bench.digests()


@pytest.mark.changes_registry
@pytest.mark.parametrize("native", [False, True], ids=["texts", "native"])
@pytest.mark.parametrize(("template", "tags"), TEMPLATES)
def test_what_a_template_makes_of_the_list_protects_the_same(
    bench: Any, deployed: str, template: Any, tags: Any, native: bool
) -> None:
    operator = bench.operator(bench.preview(), protected_tags=template)
    operator.dag = DAG("clean_up", schedule=None, render_template_as_native_obj=native)
    operator.render_template_fields({"params": {"tags": tags}}, operator.get_template_env())
    result = operator.execute(task_context())
    assert (result["status"], result["touched_image_count"]) == ("done", 9)
    assert deployed in bench.digests()


@pytest.mark.parametrize(
    "spelled", ["None", "", "null", "[latest, prod*]", "latest, 'prod*'", ["latest, prod*"], ["^(a+)+$"]]
)
def test_a_list_that_protects_nothing_is_refused_before_any_call(bench: Any, deployed: str, spelled: Any) -> None:
    summary = bench.preview()
    bench.ecr.calls.clear()
    with pytest.raises(ValueError, match="protected_tags"):
        bench.clean_up(summary, protected_tags=spelled)
    assert not len(bench.ecr.calls)
    assert deployed in bench.digests()
