"""Write the generated sections of the pages under docs/ from the code: ``make reference``.

A section stands between ``<!-- generated: NAME -->`` and ``<!-- end of generated -->``. What surrounds it is written by hand.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import compatibility
import policy_mistakes

from airflow_provider_ecr_preview import exceptions, iam, xcom
from airflow_provider_ecr_preview.aws.causes import errors_markdown
from airflow_provider_ecr_preview.get_provider_info import get_provider_info
from airflow_provider_ecr_preview.local import __main__ as local_ecr
from airflow_provider_ecr_preview.local import coverage
from airflow_provider_ecr_preview.reports.columns import COLUMNS

DOCS = Path(__file__).resolve().parent.parent / "docs"

_SECTION = re.compile(r"(<!-- generated: ([a-z ]+) -->\n).*?(<!-- end of generated -->)", re.DOTALL)

_ROLE = re.compile(r":(?:class|meth|func|data|mod):`~?(?:[\w.]*\.)?(\w+)`")


def written(page: str) -> str:
    """Return a page with all of its generated sections as the code has them.

    :param page: the page.
    """
    return _SECTION.sub(lambda found: f"{found[1]}\n{SECTIONS[found[2]]()}\n{found[3]}", page)


def pages() -> Iterator[Path]:
    """Yield the pages that have generated sections."""
    for path in sorted(DOCS.rglob("*.md")):
        if _SECTION.search(path.read_text(encoding="utf-8")):
            yield path


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _sentence(docstring: str | None) -> str:
    """Return the description of a docstring in one line of Markdown, without its parameters."""
    text = re.split(r"\n\s*:(?:param|raises|return)", inspect.cleandoc(docstring or ""))[0]
    return _ROLE.sub(r"`\1`", " ".join(text.split())).replace("``", "`")


def _columns() -> str:
    return _table(("Column", "Type"), ((f"`{column.name}`", column.type) for column in COLUMNS))


def _iam_operators() -> str:
    rows = (
        (f"`{operator}`", ", ".join(f"`{action}`" for action in actions))
        for operator, actions in iam.IAM_ACTIONS.items()
    )
    return _table(("Operator", "Actions"), rows)


def _configuration() -> str:
    [(section, config)] = get_provider_info()["config"].items()
    rows = (
        (
            f"`[{section}] {name}`",
            " ".join(option["description"].split()),
            option["type"],
            f"`{option['default']}`" if option["default"] else "empty",
        )
        for name, option in config["options"].items()
    )
    return _table(("Option", "Meaning", "Type", "Default"), rows)


def _command_line() -> str:
    # Not what --help prints: each Python formats it in a way of its own.
    options = [action for action in local_ecr.parser()._actions if action.dest != "help"]  # noqa: SLF001 - argparse has no other way
    rows = ((f"`{option.option_strings[0]}`", (option.help or "") % vars(option)) for option in options)
    return f"`{local_ecr.parser().prog}`\n\n{_table(('Option', 'Meaning'), rows)}"


def _errors() -> str:
    tree = "\n".join(_subtree(exceptions.EcrPreviewError))
    described = ((f"`{name}`", _meaning(getattr(exceptions, name))) for name in exceptions.__all__)
    return f"```text\n{tree}\n```\n\n{_table(('Error', 'Raised'), described)}"


def _meaning(error: type[BaseException]) -> str:
    return _sentence(error.__doc__).removeprefix("Raised ")


def _subtree(error: type[BaseException], depth: int = 0) -> Iterator[str]:
    others = [base.__name__ for base in error.__bases__ if base.__module__ == "builtins" and base is not Exception]
    also = f"  (also a {others[0]})" if others else ""
    yield f"{'    ' * depth}{error.__name__}{also}"
    for below in error.__subclasses__():
        if below.__name__ in exceptions.__all__:
            yield from _subtree(below, depth + 1)


def _lint() -> str:
    rows = (
        (f"`{finding.code}`", finding.severity, _cell(finding.message), _cell(finding.instead))
        for finding in policy_mistakes.findings()
    )
    return _table(("Code", "Severity", "Example", "What to write instead"), rows)


def _cell(text: str) -> str:
    return text.replace("*", "\\*").replace("|", "\\|").replace("<", "\\<")


def _xcom() -> str:
    contracts = [value for name in xcom.__all__ if is_typeddict(value := getattr(xcom, name))]
    return "\n".join(_contract(contract, contracts) for contract in sorted(contracts, key=_order))


def _order(contract: type) -> tuple[bool, str]:
    """Return what sorts results before their parts."""
    return "schema" not in contract.__annotations__, contract.__name__


def _contract(contract: Any, contracts: Collection[Any]) -> str:
    keys = get_type_hints(contract, include_extras=True)
    meanings = _meanings(contract, contracts)
    rows = (
        (f"`{name}`{_optional(kind)}", f"`{_type(kind)}`", *([meanings.get(name, "")] if meanings else []))
        for name, kind in keys.items()
    )
    head = ("Key", "Type", "Meaning") if meanings else ("Key", "Type")
    return f"### {contract.__name__}\n\n{_sentence(contract.__doc__)}\n\n{_table(head, rows)}"


def _meanings(contract: Any, contracts: Collection[Any]) -> dict[str, str]:
    """Return the meanings of keys, also of those that a contract has from another: a TypedDict does not know its bases."""
    keys = contract.__annotations__.items()
    bases = [base for base in contracts if base.__annotations__.items() <= keys]
    return {
        name: meaning
        for base in sorted(bases, key=lambda base: len(base.__annotations__))
        for name, meaning in _parameters(base.__doc__)
    }


def _parameters(docstring: str | None) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a docstring, each with its description in one line of Markdown."""
    for name, text in re.findall(r":param (\w+): (.*?)(?=\n\s*:|\Z)", inspect.cleandoc(docstring or ""), re.DOTALL):
        meaning = _ROLE.sub(r"`\1`", " ".join(text.split())).replace("``", "`")
        yield name, meaning[0].upper() + meaning[1:]


def _optional(kind: Any) -> str:
    return " (optional)" if get_origin(kind) is NotRequired else ""


def _type(kind: Any) -> str:
    if get_origin(kind) is NotRequired:
        [kind] = get_args(kind)
    text = kind.__name__ if isinstance(kind, type) and not getattr(kind, "__args__", ()) else str(kind)
    text = re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text)
    return text.replace("NoneType", "None").replace("|", "\\|")


def _tested_versions() -> str:
    return compatibility.table(compatibility.recorded())


SECTIONS: dict[str, Callable[[], str]] = {
    "report columns": _columns,
    "iam operators": _iam_operators,
    "iam roles": iam.role_policies_markdown,
    "configuration": _configuration,
    "command line": _command_line,
    "errors": _errors,
    "aws errors": errors_markdown,
    "lint": _lint,
    "xcom": _xcom,
    "local ecr": coverage.as_markdown,
    "tested versions": _tested_versions,
}


if __name__ == "__main__":
    for path in pages():
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
