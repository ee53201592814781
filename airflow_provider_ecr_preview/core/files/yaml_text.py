"""Read YAML with the short tags of CloudFormation, by a library that the caller brings."""

from __future__ import annotations

from typing import Any


def load_yaml(yaml: Any, text: str) -> Any:
    """Return the document of a YAML text, with the short tags of CloudFormation (``!Sub``) as their functions.

    :param yaml: the module of PyYAML.
    :param text: the text.
    :raises ValueError: if it is not YAML.
    """

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # the library brings no types
        """Keeps the functions of CloudFormation."""

    def function(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            value: Any = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}

    Loader.add_multi_constructor("!", function)
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
