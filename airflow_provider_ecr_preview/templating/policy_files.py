"""Open the JSON files that a DAG names in place of lifecycle policies."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import jinja2

if TYPE_CHECKING:
    from collections.abc import Callable


log = logging.getLogger(__name__)


POLICY_FIELDS = ("lifecycle_policy_text",)
"""The parameters that are a policy, or the name of a file with one."""


MAPPING_FIELDS = ("candidates", "lifecycle_policies")
"""The parameters that are a mapping of policies; of this mapping, and of every policy in it, a file can be named."""


_EXTENSION = ".json"


def open_policy_files(task: Any, fields: Iterable[str], environment: Callable[[], jinja2.Environment]) -> None:
    """Put the content of a file in place of its name, in the parameters that are policies and in no others.

    What ``template_ext`` of an operator does, it does with every templated text that ends so: with the name of a
    repository, or a path for results.

    :param task: the operator.
    :param fields: the names of the parameters to look at.
    :param environment: returns Jinja's environment, which knows where the files of the DAG are.
    """
    for name in fields:
        value = getattr(task, name, None)
        if name in (*POLICY_FIELDS, *MAPPING_FIELDS) and _is_file(value):
            setattr(task, name, _content(value, environment()))
        elif name in MAPPING_FIELDS and isinstance(value, Mapping) and any(map(_is_file, value.values())):
            opened = {key: _content(item, environment()) if _is_file(item) else item for key, item in value.items()}
            setattr(task, name, opened)


def _is_file(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.endswith(_EXTENSION) and "{" not in value and "\n" not in value


def _content(name: str, environment: jinja2.Environment) -> str:
    """Return the content of a file; where there is none, its name, of which the task says so when it runs."""
    try:
        loader = environment.loader or jinja2.DictLoader({})
        return loader.get_source(environment, name)[0]
    except (jinja2.TemplateNotFound, OSError, UnicodeError) as error:
        log.warning("The file %s of a lifecycle policy cannot be read: %s: %s", name, type(error).__name__, error)
        return name
