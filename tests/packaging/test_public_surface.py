"""What is public: the faces of the core, the tree of errors, and what the examples import."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import airflow_provider_ecr_preview
from airflow_provider_ecr_preview import core, exceptions, xcom

ROOT = Path(__file__).parents[2]
NAME = airflow_provider_ecr_preview.__name__
FACES = ("display", "exceptions", "iam", "policy", "reports", "sources", "xcom")
PUBLIC = re.compile(
    rf"{NAME}(\.(assets|iam|local(\.pytest_plugin)?|{'|'.join(FACES)}"
    r"|hooks\.(ecr_preview|ecr_cleanup|lifecycle_events)"
    r"|(links|notifications|operators|sensors|task_groups|triggers)\.[a-z]\w*))?"
)


def constants_then_classes(name: str) -> tuple[bool, bool, str]:
    return not name.isupper(), name[0].islower(), name


def public_names(module: object) -> list[str]:
    return [name for name in vars(module) if not name.startswith("_") and name != "annotations"]


@pytest.mark.parametrize("face", FACES)
def test_the_all_of_a_face_is_sorted_and_complete(face: str) -> None:
    module = importlib.import_module(f"{NAME}.{face}")
    submodules = {found.name for found in pkgutil.iter_modules(getattr(module, "__path__", ()))}
    handed_on = [name for name in public_names(module) if name not in submodules]
    assert module.__all__ == sorted(handed_on, key=constants_then_classes)


@pytest.mark.parametrize("face", ["exceptions", "policy", "xcom"])
def test_a_face_is_short(face: str) -> None:
    module = importlib.import_module(f"{NAME}.{face}")
    assert len(inspect.getsource(module).splitlines()) <= 220


def test_every_error_is_public_and_in_the_tree_that_is_documented() -> None:
    errors = {
        name: value
        for name, value in vars(core.exceptions).items()
        if inspect.isclass(value) and issubclass(value, core.exceptions.EcrPreviewError)
    }
    assert set(errors) <= set(exceptions.__all__)
    assert documented_tree(core.exceptions.__doc__ or "") == {
        name: next((base.__name__ for base in value.__bases__ if base.__name__ in errors), None)
        for name, value in errors.items()
    }


def documented_tree(text: str) -> dict[str, str | None]:
    """Return the parent of each class in an indented tree."""
    parents: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        found = re.match(r"^([ |`+x*·└├─│-]*)([A-Z]\w+Error)\b", line)
        if found is None:
            continue
        depth, name = len(found[1]), found[2]
        while above and above[-1][0] >= depth:
            above.pop()
        parents[name] = above[-1][1] if above else None
        above.append((depth, name))
    return parents


def test_every_contract_is_public() -> None:
    contracts = set()
    for found in pkgutil.iter_modules(core.xcom.__path__):
        module = importlib.import_module(f"{core.xcom.__name__}.{found.name}")
        contracts |= {
            name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__
        }
    assert contracts - {name for name in contracts if name.startswith("_")} <= set(xcom.__all__)


@pytest.mark.parametrize("path", sorted((ROOT / "example_dags").glob("*.py")), ids=lambda path: path.stem)
def test_an_example_imports_only_what_is_public(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(NAME):
            assert PUBLIC.fullmatch(node.module or ""), f"{path.name} imports {node.module}"
            assert not [alias.name for alias in node.names if alias.name.startswith("_")]


PUBLIC_CLASSES = {
    "hooks.ecr_preview": ["EcrLifecyclePolicyPreviewHook"],
    "links.audit": ["EcrAuditReportLink"],
    "links.ecr": ["EcrRegistryLink", "EcrRepositoryLink"],
    "notifications.ecr_result": ["EcrResultNotifier"],
    "operators.ecr_approval": ["EcrApproveCleanupOperator"],
    "operators.ecr_audit": [
        "EcrAuditLifecyclePoliciesOperator",
        "EcrListRepositoriesOperator",
        "EcrMergeLifecycleAuditsOperator",
    ],
    "operators.ecr_cleanup": [
        "EcrDeletePreviewedImagesOperator",
        "EcrPutLifecyclePolicyOperator",
        "EcrRestoreLifecyclePolicyOperator",
    ],
    "operators.ecr_compare": ["EcrCompareLifecyclePoliciesOperator"],
    "operators.ecr_in_use": ["EcrCollectImagesInUseOperator"],
    "operators.ecr_preview": [
        "EcrStartLifecyclePolicyPreviewOperator",
        "EcrSummarizeLifecyclePolicyPreviewOperator",
    ],
    "operators.ecr_recommend": ["EcrRecommendLifecyclePolicyOperator"],
    "operators.ecr_reconcile": ["EcrReconcileLifecycleOperator"],
    "operators.ecr_watch": ["EcrReadPolicyEventsOperator", "EcrReportPolicyEventsOperator"],
    "sensors.ecr_preview": ["EcrLifecyclePolicyPreviewSensor"],
    "task_groups.lifecycle_audit": ["lifecycle_audit"],
    "triggers.ecr_audit": ["EcrLifecyclePolicyPreviewsTrigger"],
    "triggers.ecr_preview": ["EcrLifecyclePolicyPreviewTrigger"],
    "triggers.policy_events": ["EcrLifecyclePolicyEventTrigger"],
}
"""Where DAGs import from. A class may move to another module, but these paths stay."""


@pytest.mark.parametrize("path", PUBLIC_CLASSES)
def test_the_public_paths_of_classes_stay(path: str) -> None:
    module = importlib.import_module(f"{NAME}.{path}")
    assert [name for name in PUBLIC_CLASSES[path] if not hasattr(module, name)] == []


@pytest.mark.parametrize("path", [path for path in PUBLIC_CLASSES if path.startswith("triggers.")])
def test_a_trigger_stays_in_its_module_because_deferred_tasks_store_its_path(path: str) -> None:
    module = importlib.import_module(f"{NAME}.{path}")
    assert [getattr(module, name).__module__ for name in PUBLIC_CLASSES[path]] == [module.__name__]


def test_the_pages_name_no_private_module() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    private = re.compile(rf"(?:from|import) {NAME}[\w.]*\._|(?:from|import) {NAME}\.(?:core|engine|aws)\b")
    assert [(page.name, found[0]) for page in pages if (found := private.search(page.read_text()))] == []
