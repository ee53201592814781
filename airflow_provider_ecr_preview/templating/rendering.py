"""Render the texts of a DAG file but no values from XCom, and refuse paths that contain a secret."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.sdk import XComArg
from airflow.sdk.definitions.mappedoperator import MappedOperator

from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.parameters.times import seconds
from airflow_provider_ecr_preview.core.parameters.values import text, tls_verification
from airflow_provider_ecr_preview.core.text.secrets import refuse_secrets
from airflow_provider_ecr_preview.templating.constants import CheckedConstantsMixin
from airflow_provider_ecr_preview.templating.mapped_paths import keep_written_paths, use_own_files
from airflow_provider_ecr_preview.templating.outputs import given_outputs, require_outputs
from airflow_provider_ecr_preview.templating.policy_files import open_policy_files

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import Context


_OUR_SCHEMAS = ("ecr-lifecycle-", "ecr-image")
"""The beginning of the ``schema`` of every result of this package."""


class LiteralXComMixin(CheckedConstantsMixin):
    """Leaves values from XCom unchanged, where Airflow would render them as templates.

    Airflow renders the values that ``expand_kwargs`` gets from XCom. They contain text that other people wrote, such as the
    descriptions in lifecycle policies of other accounts. If that text were rendered, a policy with ``{{ var.value.x }}`` in
    it could read variables and connections. Texts of the DAG file are rendered as in every operator.

    :meta private:
    """

    def pre_execute(self, context: Context) -> None:
        """Refuse a path that contains a secret, and let mapped task instances write their own files, before any call.

        :param context: the task's context.
        """
        super().pre_execute(context)  # type: ignore[misc]  # of the operator
        for name in self.template_fields:  # type: ignore[attr-defined]  # of the operator
            value = getattr(self, name)
            if name.endswith("_path") and isinstance(value, str):
                refuse_secrets(value, name)
        use_own_files(self, context)

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Render a value of a template field, unless it is a result of this package.

        A text without markup stays as it is, because native rendering would turn the tag ``1.10`` into the number 1.1.

        :param content: the value.
        :param context: the task's context.
        :param jinja_env: Jinja's environment.
        :param seen_oids: ids of the objects that were already rendered.
        """
        if _is_result(content) or (isinstance(content, str) and not _has_markup(content, jinja_env)):
            return content
        return super().render_template(content, context, jinja_env, seen_oids)  # type: ignore[misc]  # of the operator

    def resolve_template_files(self) -> None:
        """Read the files that the DAG names as policies, as Airflow does with ``template_ext`` when it parses the DAG."""
        open_policy_files(self, self.template_fields, self.get_template_env)  # type: ignore[attr-defined]
        super().resolve_template_files()  # type: ignore[misc]
        self._check_constants(with_files=True)

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        # A mapped operator calls this method for the task that it made, but not render_template_fields.
        outputs: dict[str, XComArg] = {}
        if parent is self:
            keep_written_paths(self)
            template_fields = [name for name in template_fields if not _is_from_xcom(self, name, context)]
            open_policy_files(self, template_fields, lambda: jinja_env)
            outputs = given_outputs(self, template_fields)
        super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)  # type: ignore[misc]
        require_outputs(self, outputs)


class AwsParametersMixin:
    """Reads the rendered values of the parameters that every AWS operator has.

    :meta private:
    """

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._hook_parameters  # type: ignore[misc]  # of the operator
        return {
            **parameters,
            "region_name": text(parameters["region_name"], "region_name"),
            "verify": tls_verification(parameters["verify"], "verify"),
        }


class OutageTimeoutMixin(AwsParametersMixin):
    """Hands ``outage_timeout`` to every hook of an operator.

    :meta private:
    """

    outage_timeout: Any

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        return {**super()._hook_parameters, "outage_timeout": self._read_outage_timeout()}

    def _read_outage_timeout(self) -> float:
        """Return the rendered value; operators call this before anything else, so that a bad value is refused."""
        return seconds(self.outage_timeout, "outage_timeout", OUTAGE_SECONDS)


def _has_markup(content: str, jinja_env: jinja2.Environment | None) -> bool:
    """Return whether a text has markup for Jinja."""
    if jinja_env is None or jinja_env.line_statement_prefix or jinja_env.line_comment_prefix:
        return True
    marks = (jinja_env.variable_start_string, jinja_env.block_start_string, jinja_env.comment_start_string)
    return any(mark in content for mark in marks)


def _is_from_xcom(task: Any, name: str, context: Context) -> bool:
    """Return whether the value of a field of a mapped task comes from XCom."""
    mapped = task.dag.task_dict.get(task.task_id) if task.has_dag() else None
    if not isinstance(mapped, MappedOperator):
        return False
    expanded = mapped.expand_input.value
    if isinstance(expanded, Mapping):  # of expand()
        return _needs_xcom(expanded.get(name))
    # Of expand_kwargs(); in a list of the DAG file, single elements may come from XCom.
    if isinstance(expanded, Sequence) and isinstance(expanded[context["ti"].map_index or 0], Mapping):
        return False
    value = getattr(task, name)
    return not any(_is_same(value, written) for written in _written(task, mapped, name))


def _needs_xcom(value: Any) -> bool:
    # The argument of a mapped task group is not an XComArg, but Airflow resolves it like one.
    return isinstance(value, XComArg) or hasattr(value, "resolve")


def _written(task: Any, mapped: MappedOperator, name: str) -> Iterator[Any]:
    """Yield the values of a field in the DAG file and in the class of the operator, other than those of the mapping."""
    yield mapped.partial_kwargs.get(name)
    yield (task.dag.default_args or {}).get(name)
    yield (mapped.task_group.default_args if mapped.task_group else {}).get(name)
    yield from _defaults(type(task), name)  # type: ignore[arg-type]  # a class is hashable


@cache
def _defaults(operator: type[Any], name: str) -> tuple[Any, ...]:
    signatures = (inspect.signature(vars(cls)["__init__"]) for cls in operator.__mro__ if "__init__" in vars(cls))
    return tuple(
        signature.parameters[name].default
        for signature in signatures
        if name in signature.parameters and signature.parameters[name].default is not inspect.Parameter.empty
    )


def _is_same(value: Any, written: Any) -> bool:
    return value is written or (isinstance(value, str) and value == written)


def _is_result(value: Any) -> bool:
    """Return whether a value is a result of one of our operators, as an object or as JSON."""
    if isinstance(value, str):
        if not any(schema in value for schema in _OUR_SCHEMAS):
            return False
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):  # a template, or a path
            return False
    if isinstance(value, list):
        return any(map(_is_result, value))
    return isinstance(value, Mapping) and str(value.get("schema")).startswith(_OUR_SCHEMAS)
