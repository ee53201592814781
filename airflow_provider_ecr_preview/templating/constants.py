"""Check the constants of a DAG file when it is imported; what is known only at run time is left for run time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from airflow.sdk import DAG
from airflow.sdk.definitions._internal.abstractoperator import AbstractOperator
from airflow.sdk.definitions.mappedoperator import MappedOperator, OperatorPartial

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.templating.parameters import RULES, Rule
from airflow_provider_ecr_preview.templating.policy_files import names_a_file

_MARKS = ("{{", "{%", "{#")


_CHANGED_MARKS = ("_string", "_prefix")
"""How the options of Jinja end with which a DAG changes what markup is."""


class CheckedConstantsMixin:
    """Refuses an operator whose constants are not valid, so that the DAG fails when it is imported.

    A constant is a value without markup, outputs of other tasks and None. The operator reads it again when it runs, by the
    same rule.

    :meta private:
    """

    parameter_rules: ClassVar[Mapping[str, Rule]] = {}
    """The rules that only this operator has, or has in another form, by parameter."""

    def _check_constants(self, *, with_files: bool = False) -> None:
        """Check the constants among the attributes of the operator.

        :param with_files: whether the files that the DAG names as policies were read, so that a name is an error.
        :raises ValueError: if one is not valid; names the task, the parameter and what to write instead.
        """
        if getattr(self, "_BaseOperator__from_mapped", False):  # its values come from XCom, and execute reads them
            return
        values = vars(self)
        if not with_files:
            values = {name: value for name, value in values.items() if not names_a_file(name, value)}
        task_id: str = self.task_id  # type: ignore[attr-defined]  # of the operator
        check_constants(type(self), task_id, values, self.get_dag())  # type: ignore[attr-defined]  # of the operator
        try:
            self._check_together()
        except ValueError as error:
            raise ValueError(f"The task {task_id!r}: {error}") from None

    def _check_together(self) -> None:
        """Check what is wrong about constants together, before Airflow renders templates.

        :raises ValueError: if they exclude each other.
        """

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:
        """Return the operator to map, after checking the constants that all its tasks share.

        :param kwargs: the arguments that are the same for all tasks.
        :raises ValueError: if one is not valid.
        """
        made: OperatorPartial = super().partial(**kwargs)  # type: ignore[misc]  # of the operator
        dag, group = made.kwargs.get("dag"), made.kwargs.get("task_group")
        defaults = {**_default_args(dag), **_default_args(group), **kwargs.get("default_args", {})}
        task_id = str(made.kwargs["task_id"])
        made._expand_called = True  # noqa: SLF001 - the one that is returned takes its place
        values = {**defaults, **kwargs}
        # Airflow reads the files of a mapped task when it runs.
        check_constants(
            cls, task_id, {name: values[name] for name in values if not names_a_file(name, values[name])}, dag
        )
        return _CheckedPartial(operator_class=made.operator_class, kwargs=made.kwargs, params=made.params)


class _CheckedPartial(OperatorPartial):
    """An operator to map that checks the constants to map over."""

    def expand(self, **mapped_kwargs: Any) -> MappedOperator:
        self._check({name: value} for name, values in mapped_kwargs.items() for value in _items(values))
        return super().expand(**mapped_kwargs)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> MappedOperator:
        self._check(values for values in _items(kwargs) if isinstance(values, Mapping))
        return super().expand_kwargs(kwargs, strict=strict)

    def _check(self, tasks: Iterable[Mapping[str, Any]]) -> None:
        try:
            for values in tasks:
                check_constants(self.operator_class, self.kwargs["task_id"], values, self.kwargs.get("dag"))
        except ValueError:
            self._expand_called = True  # the error says what is wrong, and no warning has to say that nothing is mapped
            raise


def check_constants(operator: type, task_id: str, values: Mapping[str, Any], dag: DAG | None = None) -> None:
    """Check the constants among the arguments of an operator.

    :param operator: the class of the operator.
    :param task_id: the task, for messages.
    :param values: the arguments by name; one without a rule is left for run time.
    :param dag: the DAG of the task, if it is known.
    :raises ValueError: if one is not valid.
    """
    for name in operator.template_fields:  # type: ignore[attr-defined]  # of the operator
        if isinstance(given := values.get(name), AbstractOperator):
            raise ValueError(  # noqa: TRY004 - one kind of error for every wrong argument
                f"The task {task_id!r}: {name} is the task {given.task_id!r} itself. Give its output: {given.task_id}.output."
            )
    with_own_marks = _has_own_marks(dag)
    for name, rule in rules_of(operator).items():
        value = values.get(name)
        if value is None or not is_constant(value) or (with_own_marks and _has_text(value)):
            continue
        try:
            rule(value, name, default=None)
        except InvalidLifecyclePolicyError as error:
            raise InvalidLifecyclePolicyError(error.findings, f"the task {task_id!r} ({name})") from None
        except ValueError as error:
            raise ValueError(f"The task {task_id!r}: {error}") from None


def rules_of(operator: type) -> dict[str, Rule]:
    """Return the rules of an operator by parameter.

    :param operator: its class.
    """
    rules = dict(RULES)
    for cls in reversed(operator.__mro__):
        rules |= vars(cls).get("parameter_rules", {})
    return rules


def is_constant(value: Any) -> bool:
    """Return whether a value is known when the DAG is imported: without markup, and no output of a task.

    :param value: the argument of an operator.
    """
    if isinstance(value, str):
        return not any(mark in value for mark in _MARKS)
    if isinstance(value, Mapping):
        return all(is_constant(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(is_constant, value))
    # Outputs of tasks and arguments of mapped groups are resolved, and objects with fields of their own are rendered.
    return not hasattr(value, "resolve") and not hasattr(value, "template_fields")


def _has_text(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_text(item) for pair in value.items() for item in pair)
    return isinstance(value, str) or (isinstance(value, list | tuple | set | frozenset) and any(map(_has_text, value)))


def _has_own_marks(dag: DAG | None) -> bool:
    """Return whether a DAG changes what markup is, so that any text of it may be a template."""
    options = getattr(dag, "jinja_environment_kwargs", None) or {}
    return any(name.endswith(_CHANGED_MARKS) for name in options)


def _default_args(of: Any) -> Mapping[str, Any]:
    return getattr(of, "default_args", None) or {}


def _items(values: Any) -> Iterable[Any]:
    return values if isinstance(values, list | tuple) else ()
