"""Read the JSON files that a DAG names in place of lifecycle policies."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import jinja2

if TYPE_CHECKING:
    from collections.abc import Callable


log = logging.getLogger(__name__)


POLICY_FIELDS = ("lifecycle_policy_text",)
"""The parameters that hold a policy, or the name of a file with one."""


MAPPING_FIELDS = ("candidates", "lifecycle_policies")
"""The parameters that hold a mapping of policies. The mapping and each policy in it may be the name of a file."""


_EXTENSION = ".json"


def open_policy_files(task: Any, fields: Iterable[str], environment: Callable[[], jinja2.Environment]) -> None:
    """Replace the name of a file by its content, but only in parameters that hold policies.

    ``template_ext`` of an operator would do this in every templated text that ends in ``.json``, such as the name of a
    repository or a path for results.

    :param task: the operator.
    :param fields: names of the parameters to check.
    :param environment: returns Jinja's environment, which finds the files of the DAG.
    """
    for name in fields:
        value = getattr(task, name, None)
        if name in (*POLICY_FIELDS, *MAPPING_FIELDS) and _is_file(value):
            setattr(task, name, _content(value, environment()))
        elif name in MAPPING_FIELDS and isinstance(value, Mapping) and any(map(_is_file, value.values())):
            opened = {key: _content(item, environment()) if _is_file(item) else item for key, item in value.items()}
            setattr(task, name, opened)


def names_a_file(parameter: str, value: Any) -> bool:
    """Return whether a parameter holds the name of a file in place of a policy, or a mapping with such names.

    :param parameter: the name of the parameter.
    :param value: its value.
    """
    if parameter not in (*POLICY_FIELDS, *MAPPING_FIELDS):
        return False
    return _is_file(value) or (isinstance(value, Mapping) and any(map(_is_file, value.values())))


def _is_file(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.endswith(_EXTENSION) and "{" not in value and "\n" not in value


def _content(name: str, environment: jinja2.Environment) -> str:
    """Return the content of a file, or its name if it cannot be read: the task then fails with that name when it runs."""
    try:
        loader = environment.loader or jinja2.DictLoader({})
        return loader.get_source(environment, name)[0]
    except (jinja2.TemplateNotFound, OSError, UnicodeError) as error:
        log.warning("The lifecycle policy file %s cannot be read: %s: %s", name, type(error).__name__, error)
        return name
