"""The rules of import of the package, checked on the source: what a file imports for types or in a function counts, too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = "airflow_provider_ecr_preview"


@dataclass(frozen=True)
class Allowed:
    """What the modules of a part of the package may import.

    :param own: other parts of the package; every part may import itself.
    :param others: packages of others, by the beginning of their dotted names. The standard library is always allowed.
    """

    own: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()


def _allowed(own: str = "", *others: str) -> Allowed:
    return Allowed(frozenset(own.split()), others)


_BELOW_OPERATORS = (
    "assets aws core display engine hooks iam links reports settings sources telemetry templating triggers"
)

RULES: Mapping[str, Allowed] = {
    "core": _allowed(),
    "display": _allowed("core", "rich"),
    "reports": _allowed("core display", "airflow.sdk", "pyarrow", "yaml"),
    "aws": _allowed("core", "botocore", "airflow.sdk.log"),
    "hooks": _allowed("aws core", "boto3", "botocore", "airflow.providers.amazon", "airflow.utils.helpers"),
    "sources": _allowed("aws core reports", "airflow.sdk", "botocore", "httpx", "kubernetes"),
    "engine": _allowed("aws core hooks reports", "botocore", "airflow.utils.helpers"),
    "assets": _allowed("core", "airflow.sdk"),
    "iam": _allowed("core"),
    "settings": _allowed("", "airflow"),
    "telemetry": _allowed("core", "airflow", "attrs", "openlineage"),
    "templating": _allowed("aws core", "airflow", "jinja2"),
    "links": _allowed("aws core settings", "airflow"),
    "notifications": _allowed("core display", "airflow.sdk"),
    "triggers": _allowed("aws core hooks", "airflow", "cachetools"),
    "sensors": _allowed(_BELOW_OPERATORS, "airflow"),
    "operators": _allowed(_BELOW_OPERATORS, "airflow", "jinja2"),
    "task_groups": _allowed(f"{_BELOW_OPERATORS} operators", "airflow"),
    "plugins": _allowed(
        "core reports settings", "airflow", "anyio", "cachetools", "fastapi", "httpx", "pydantic", "starlette"
    ),
    # The hooks are loaded by the one command that needs AWS, and airflow.cli by Airflow itself, when they run.
    "cli": _allowed("core display hooks", "airflow.cli", "rich", "rich_argparse", "yaml"),
    "local": _allowed("core", "boto3", "botocore", "moto", "werkzeug"),
    "local.dag_run": _allowed("", "airflow", "sqlalchemy"),
    "local.program": _allowed("", "psutil"),
    "local.pytest_plugin": _allowed("core local local.program", "moto", "pytest"),
    # Faces: they hand on what is public.
    "exceptions": _allowed("core"),
    "policy": _allowed("core"),
    "xcom": _allowed("core"),
    "get_provider_info": _allowed(),
    "": _allowed(),
}
"""What each part may import, by its name: the first part of a module's dotted name below the package."""

CORE_ORDER = (
    ("ecr_values", "parts", "text", "values"),
    ("journal", "parameters"),
    ("lint", "progress", "xcom"),
    ("money", "policy_event", "repository"),
    ("exceptions", "pull_grants", "referrers", "replication", "selection"),
    ("protection",),
    ("policy",),
    ("files", "preview"),
    ("audit", "cleanup", "comparison", "in_use", "reconciliation"),
    ("recommendation", "rollout"),
    ("change_marker", "watch"),
)
"""Within the core a part imports those of earlier rows, and itself; parts of one row do not import each other."""

CORE_NEIGHBOURS = frozenset[tuple[str, str]]()
"""Pairs of one row of which the first may import the second."""


@dataclass(frozen=True)
class Import:
    """One import of one module.

    :param importer: the module that imports, dotted, without the name of the package.
    :param imported: what it imports, dotted; of this package without its name.
    :param is_own: whether that is a module of this package.
    """

    importer: str
    imported: str
    is_own: bool


def modules_of(package: Path) -> dict[str, Path]:
    """Return the Python modules of the package by their dotted names, without the name of the package."""
    modules = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package).with_suffix("").parts
        if "frontend" not in parts and "example_dags" not in parts:
            modules[".".join(parts).removesuffix("__init__").rstrip(".")] = path
    return modules


def imports_of(package: Path) -> Iterator[Import]:
    """Yield every import of every module of the package."""
    modules = modules_of(package)
    for importer, path in sorted(modules.items()):
        for node in _import_nodes(path.read_text(encoding="utf-8")):
            for name in _names(node, importer, is_package=path.name == "__init__.py"):
                own = name.removeprefix(PACKAGE).lstrip(".") if name.split(".")[0] == PACKAGE else None
                if own is None:
                    yield Import(importer, name, is_own=False)
                else:
                    yield Import(importer, own if own in modules else own.rpartition(".")[0], is_own=True)


@cache
def _import_nodes(text: str) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """Return the imports of a module; kept, because the tests read the same modules again and again."""
    return tuple(node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom))


def _names(node: ast.AST, importer: str, *, is_package: bool) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    module = node.module or ""
    if node.level:
        up = importer.split(".")[: len(importer.split(".")) - node.level + is_package]
        module = ".".join(filter(None, [PACKAGE, *up, module]))
    return [f"{module}.{alias.name}" for alias in node.names]


def part_of(module: str) -> str:
    """Return which part of the package a module belongs to."""
    return module if module in RULES else module.split(".", maxsplit=1)[0]


def violations(package: Path) -> list[str]:
    """Return every import that a rule forbids, as a sentence."""
    return [
        f"{found.importer or '__init__'} imports {found.imported or PACKAGE}: {reason}"
        for found in imports_of(package)
        if (reason := _why_forbidden(found)) is not None
    ]


def _why_forbidden(found: Import) -> str | None:
    part = part_of(found.importer)
    allowed = RULES.get(part)
    if allowed is None:
        return f"no rule says what {part} may import"
    if found.is_own:
        return _why_own_is_forbidden(found, part, allowed)
    top = found.imported.split(".")[0]
    if top in sys.stdlib_module_names or top == "__future__":
        return None
    if any(f"{found.imported}.".startswith(f"{other}.") for other in allowed.others):
        return None
    return f"{part} may import of others only: {', '.join(allowed.others) or 'nothing'}"


def _why_own_is_forbidden(found: Import, part: str, allowed: Allowed) -> str | None:
    target = part_of(found.imported)
    if not found.imported:
        return None  # the package itself, which holds its version
    if target == part:
        return _why_out_of_order(found) if part == "core" else None
    if target in allowed.own:
        return None
    return f"{part} may import of this package only: {', '.join(sorted(allowed.own)) or 'nothing'}"


def _why_out_of_order(found: Import) -> str | None:
    of, other = (module.split(".")[1] if "." in module else "" for module in (found.importer, found.imported))
    if of == other or not of or not other:
        return None
    rows = {name: row for row, names in enumerate(CORE_ORDER) for name in names}
    if missing := [name for name in (of, other) if name not in rows]:
        return f"CORE_ORDER does not name core.{missing[0]}"
    if rows[other] < rows[of] or (of, other) in CORE_NEIGHBOURS:
        return None
    return f"core.{other} does not stand before core.{of}"


def circles(package: Path) -> list[str]:
    """Return a circle of imports between modules, or nothing."""
    graph: dict[str, set[str]] = {}
    for found in imports_of(package):
        if found.is_own and found.imported != found.importer and found.imported:
            graph.setdefault(found.importer, set()).add(found.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def levels(package: Path) -> dict[str, int]:
    """Return the level of each part of the package: one more than the highest level that it imports."""
    graph: dict[str, set[str]] = {}
    for found in imports_of(package):
        part, target = part_of(found.importer), part_of(found.imported)
        graph.setdefault(part, set())
        if found.is_own and found.imported and part != target:
            graph[part].add(target)
    level: dict[str, int] = {}
    for part in TopologicalSorter(graph).static_order():
        level[part] = 1 + max((level[other] for other in graph.get(part, ())), default=0)
    return level
