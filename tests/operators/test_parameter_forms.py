"""Every templated parameter of every operator and of the sensor is read alike from every form that a value comes in.

The parameters are taken from ``template_fields``: whoever adds one has to say here of which kind it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import wraps
from importlib import import_module
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.protection.rules import PROTECTED_TAGS
from tests.support.operators import registered_operators
from tests.support.policies import keep

ABSENT: Any = object()
"""A parameter that is left out."""

READERS = {
    "airflow_provider_ecr_preview.core.parameters.values": [
        "account_id",
        "choice",
        "decoded",
        "given",
        "integer",
        "limit",
        "mapping",
        "number",
        "switch",
        "text",
        "texts",
        "tls_verification",
    ],
    "airflow_provider_ecr_preview.core.parameters.times": ["days", "duration", "moment", "seconds"],
    "airflow_provider_ecr_preview.core.protection.pattern_validation": ["tag_globs", "tag_patterns"],
    "airflow_provider_ecr_preview.core.selection": ["name_globs"],
    "airflow_provider_ecr_preview.operators._fail_on": ["read_fail_on", "read_on_no_repositories"],
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test in a folder of its own, because some of the values are paths, and relative ones."""
    monkeypatch.chdir(tmp_path)


YESTERDAY = datetime.now(UTC) - timedelta(days=1)
SUMMARY = {
    "schema": "ecr-lifecycle-preview-summary/1",
    "registry_id": "123456789012",
    "region_name": "us-east-1",
    "repository_name": "payments/api",
    "status": "COMPLETE",
    "previewed_at": (YESTERDAY - timedelta(days=1)).isoformat(),
    "policy_fingerprint": "0" * 64,
    "images_fingerprint": "0" * 64,
    "expiring_image_count": 0,
    "archiving_image_count": 0,
    "sample": [],
    "findings": [],
    "rules": [],
    "images_uri": None,
}
POLICY = keep(10)
ACKNOWLEDGED = {"repositories": "a/*", "code": "dead_rule", "reason": "Removed in March", "until": "2027-03-31"}


class Reached(BaseException):
    """Raised where an operator would ask AWS for the first time."""


def reached(*_: Any, **__: Any) -> NoReturn:
    raise Reached


@dataclass(frozen=True)
class Kind:
    """What a parameter takes.

    :param forms: values, each with what it is read as.
    :param bad: what is refused.
    :param protects: whether a text that says nothing is refused, because images are protected by the parameter.
    :param names_itself: whether every error names the parameter.
    :param is_list: whether text with commas and line breaks is a value, too.
    """

    forms: Sequence[tuple[Any, Any]] = ()
    bad: Sequence[Any] = ()
    protects: bool = False
    names_itself: bool = True
    is_list: bool = False


NO_NUMBERS = [True, "many", float("nan"), float("inf"), "nan", "-1", -1, [], {}, "5 days", "0x10"]
NO_TEXTS = [True, 1.5, [], {}, b"a"]
NO_LISTS = [True, 1.5, {}, b"a", [["a"]], [None], [1.5], "{'a': 1}"]
TAGS = ["latest", "prod*"]


def a_list(*names: str, bad: Sequence[Any] = NO_LISTS, **kwargs: Any) -> Kind:
    forms = [(list(names), names), (names, names), (set(names), tuple(sorted(names))), (names[0], names[:1])]
    return Kind([*forms, *([] if [] in bad else [([], ())])], bad, is_list=True, **kwargs)


def a_choice(*choices: str, **kwargs: Any) -> Kind:
    return Kind([(choice, choice) for choice in choices], [*NO_TEXTS, 5, choices[0].swapcase(), "ignore"], **kwargs)


TEXT = Kind([("file:///a", "file:///a"), (2048, "2048"), (" a ", "a")], NO_TEXTS)
INTEGER = Kind([(5, 5), ("1e3", 1000), ("10_000", 10_000)], [*NO_NUMBERS, 1.5])
COUNT = Kind([(0, 0), *INTEGER.forms], INTEGER.bad, protects=True)
LIMIT = Kind([*COUNT.forms, ("unlimited", None), (" Unlimited", None)], INTEGER.bad, protects=True)
SHARE = Kind([(0, 0), (0.5, 0.5), ("0.25", 0.25), (1, 1)], [*NO_NUMBERS, 1.5, "50%"])
DAYS = Kind([(7, 7), (0, 0), ("0.5", 0.5), (timedelta(days=7), 7), ("P7D", 7)], [*NO_NUMBERS, timedelta(-1), 36_501])
SECONDS = Kind([(5, 5), ("2.5", 2.5), (timedelta(seconds=5), 5), ("PT1M", 60)], [*NO_NUMBERS, timedelta(-1)])
WORKERS = Kind([(5, 5), ("8", 8), ("1e1", 10)], [*INTEGER.bad, 0])
SWITCH = Kind([(True, True), (False, False), ("true", True), (" FALSE ", False)], [0, 1, "yes", "off", [], "maybe"])
ACCOUNT = Kind(
    [(123456789012, "123456789012"), ("012345678901", "012345678901")],
    ["my-registry", "12345678901", 2048, True, 1.5, []],
)
MOMENT = Kind(
    [(YESTERDAY, YESTERDAY), (YESTERDAY.isoformat(), YESTERDAY)],
    ["yesterday", 5, [], "2026-11-24T08:00:00", datetime(2026, 11, 24)],  # noqa: DTZ001 - that is the fault
)
POLICY_KIND = Kind([(POLICY, POLICY), (json.dumps(POLICY), POLICY)], ["keep", "{'rules': []}"], names_itself=False)
POLICIES = Kind([({"a/*": POLICY}, {"a/*": POLICY}), ({}, {})], [5, [], "[]", "keep", "{'a': None}"])
SUMMARIES = Kind(
    [(SUMMARY, SUMMARY), ([SUMMARY], [SUMMARY])],
    [5, True, "a", {}, "{}", [5], [None], "{'schema': 'x'}"],
    protects=True,
)
# Read by what is about it, with tests of its own; here it is handed over as it is.
OTHERS = Kind()


def protecting(kind: Kind) -> Kind:
    return Kind(kind.forms, kind.bad, protects=True, names_itself=kind.names_itself, is_list=kind.is_list)


KINDS: dict[str, Kind] = {
    "acknowledged_findings": Kind(
        [([ACKNOWLEDGED], [ACKNOWLEDGED])], [True, 1.5, {}, b"a", [5], [{}], "/no/such/file", "{'a': 1}"]
    ),
    "selection": OTHERS,
    "timeout": SECONDS,
    "repository_timeout": SECONDS,
    "outage_timeout": SECONDS,
    "progress_interval": SECONDS,
    "poll_interval": SECONDS,
    "max_workers": WORKERS,
    "max_in_flight": WORKERS,
    "failure_retry_delay": SECONDS,
    "action": a_choice("delete", "archive", protects=True),
    "airflow_conn_id": OTHERS,
    "airflow_history_days": OTHERS,
    "airflow_operators": OTHERS,
    "alarm_count": INTEGER,
    "alarm_share": Kind([(0.5, 0.5), ("2", 2)], NO_NUMBERS),
    "applied": OTHERS,
    "approvals_path": TEXT,
    "approved": OTHERS,
    "archive_price_per_gb_month": Kind([(0.5, 0.5), ("0.10", 0.1)], NO_NUMBERS),
    "audit_id": TEXT,
    "audit_name": TEXT,
    "audits": OTHERS,
    "aws_conn_id": OTHERS,
    "aws_conn_ids": a_list("a", "b", protects=True, bad=[*NO_LISTS, []]),
    "batch_size": Kind(INTEGER.forms, [*INTEGER.bad, 0]),
    "body": OTHERS,
    "candidates": POLICIES,
    "check_in_use": protecting(SWITCH),
    "clean_up": OTHERS,
    "check_only": protecting(SWITCH),
    "check_referrers": protecting(SWITCH),
    "check_replicas": protecting(SWITCH),
    "measure_storage": SWITCH,
    "owner_tag": TEXT,
    "check_tags": protecting(SWITCH),
    "dry_run": protecting(SWITCH),
    "dry_run_result": OTHERS,
    "end_time": MOMENT,
    "enrich": SWITCH,
    "exclude": a_list("a/*", "b", bad=[*NO_LISTS, ["Upper"], ["a b"]]),
    "fail_on": Kind(
        [("any", "any"), ("all", "all"), ("none", "none"), (0.05, 0.05), ("0.5", 0.5), (0, 0)],
        [*NO_TEXTS, "some", 2, -1, "nan"],
    ),
    "fail_on_alarm": SWITCH,
    "fail_on_finding": a_choice("critical", "warning", "info", "none"),
    "former_policies_path": TEXT,
    "question_path": TEXT,
    "ignored_findings": a_list("dead_rule", "would_empty_repository", protects=True),
    "ignored_references": a_list("a", "b"),
    "image_ids": Kind([([{"imageTag": "a"}], [{"imageTag": "a"}])], ["{'imageTag': 'a'}", "a"]),
    "images_path": Kind([("file:///tmp/a.jsonl.gz", "file:///tmp/a.jsonl.gz")], NO_TEXTS),
    "alarm_severity": a_choice("critical", "warning", "info"),
    "audit": OTHERS,
    "changes": OTHERS,
    "events": OTHERS,
    "expected_policies": Kind(bad=[True, 1.5, b"a", "{'a': 1}", "/no/such/folder"]),
    "in_use": OTHERS,
    "in_use_path": TEXT,
    "keep_releases": Kind([(5, 5), ("1e1", 10), (0, 0)], INTEGER.bad, protects=True),
    "include": a_list("a/*", "b", bad=[*NO_LISTS, ["None"], ["a:v1"]]),
    "lifecycle_policies": POLICIES,
    "lifecycle_policy_text": POLICY_KIND,
    "max_bytes": LIMIT,
    "max_bytes_per_run": LIMIT,
    "max_images": LIMIT,
    "max_images_per_run": LIMIT,
    "max_items": Kind(INTEGER.forms, [*INTEGER.bad, 0]),
    "max_newly_affected": INTEGER,
    "max_preview_age": Kind(
        [(timedelta(hours=6), timedelta(hours=6)), ("PT6H", timedelta(hours=6)), ("unlimited", None)],
        [6, "6", True, [], timedelta(-1), "-1 day, 0:00:00"],
        protects=True,
    ),
    "max_share": Kind([*SHARE.forms, ("unlimited", None)], SHARE.bad, protects=True),
    "max_rules": Kind([(5, 5), ("1e1", 10)], [*INTEGER.bad, 0, 11]),
    "method": a_choice("preview", "simulation", "both"),
    "min_age_days": protecting(DAYS),
    "minimum_images_left": COUNT,
    "newest_images_kept": COUNT,
    "on_blocked": a_choice("fail", "skip", "report"),
    "on_change": a_choice("block", "spare", "block_any", protects=True),
    "on_missing": a_choice("fail", "warn"),
    "on_missing_policy": a_choice("fail", "skip"),
    "on_no_repositories": a_choice("warn", "fail"),
    "on_unread": a_choice("report", "fail"),
    "page_size": Kind([(5, 5), ("100", 100)], [*INTEGER.bad, 0, 101]),
    "policy_fingerprint": Kind([("a0" * 32, "a0" * 32)], NO_TEXTS, protects=True),
    "preview_restored": SWITCH,
    "previous_summaries": SUMMARIES,
    "protected_tag_patterns": a_list(
        r"^v\d+\.\d+$",
        "-prod$",
        protects=True,
        bad=[*NO_LISTS, "^(a+)+$", "v(", ["a b"], ["'a'"], ["-prod$", ""], ["None"], "[latest]"],
    ),
    "protected_tags": a_list(
        *TAGS,
        protects=True,
        bad=[*NO_LISTS, ["a b"], ["latest, prod*"], ["'a'"], ["['a']"], ".a", ["a", ""], ["null"], "[a]", "x" * 129],
    ),
    "prove": SWITCH,
    "read_manifests": SWITCH,
    "check_registry": SWITCH,
    "image_quota": Kind(INTEGER.forms, [*INTEGER.bad, 0]),
    "recently_pulled_days": DAYS,
    "reference_list": OTHERS,
    "region_name": Kind([("us-east-1", "us-east-1")], [True, 1.5, []]),
    "region_names": a_list("eu-west-1", "us-east-1", bad=[*NO_LISTS, []]),
    "registry_id": ACCOUNT,
    "replay_days": DAYS,
    "reports_path": TEXT,
    "repository_name": Kind([("payments/api", "payments/api"), (2048, "2048")], NO_TEXTS),
    "repository_names": a_list("a", "b/c"),
    "required_agreeing_previews": COUNT,
    "required_scope": OTHERS,
    "results_path": TEXT,
    "retention_days": INTEGER,
    "rows": WORKERS,
    "safe_days": Kind([(5, 5), ("1e1", 10)], [*INTEGER.bad, 0, 366], protects=True),
    "safe_pushes": Kind([(5, 5), ("1e1", 10)], [*INTEGER.bad, 0, 1001], protects=True),
    "share": a_choice("shape", "all", "none"),
    "start_time": MOMENT,
    "starting_token": OTHERS,
    "subject": OTHERS,
    "summary": SUMMARIES,
    "tag_status": a_choice("TAGGED", "UNTAGGED", "ANY"),
    "tags": Kind([({"team": "a"}, {"team": "a"}), ({"team": None}, {"team": None})], [5, [], "a", "{'team': 'a'}"]),
    "verify": Kind([(True, True), ("False", False), ("/a.pem", "/a.pem")], [5, 1.5, []]),
    "wait_for_completion": SWITCH,
    "with_applied": SWITCH,
    "with_policy": SWITCH,
    "write_image_lists": SWITCH,
    "write_kept_images": SWITCH,
}

OF_OPERATOR: dict[tuple[str, str], Kind] = {
    ("EcrReadPolicyEventsOperator", "region_name"): Kind([("us-east-1", "us-east-1")], [True, 1.5, []]),
    ("EcrReconcileLifecycleOperator", "fail_on"): a_choice("unpreviewed", "never"),
    ("EcrCollectImagesInUseOperator", "region_names"): protecting(KINDS["region_names"]),
    ("EcrDeletePreviewedImagesOperator", "recently_pulled_days"): protecting(DAYS),
    ("EcrPutLifecyclePolicyOperator", "recently_pulled_days"): protecting(DAYS),
    ("EcrRecommendLifecyclePolicyOperator", "recently_pulled_days"): protecting(DAYS),
}

REQUIRED: dict[str, Any] = {
    "audit": {"schema": "ecr-lifecycle-audit/1", "findings": [], "failures": [], "without_policy": [], "top": []},
    "changes": {"schema": "ecr-lifecycle-policy-events/1", "repository_count": 0, "repositories": []},
    "region_name": "us-east-1",
    "applied": {"schema": "ecr-lifecycle-policy-change/1"},
    "audits": [],
    "repository_name": "payments/api",
    "repository_names": ["payments/api"],
    "summary": SUMMARY,
    "candidates": {"one": POLICY},
}


ALSO: dict[str, dict[str, Any]] = {
    "EcrCompareLifecyclePoliciesOperator": {"candidates": {"one": POLICY}, "lifecycle_policy_text": POLICY},
    "EcrPutLifecyclePolicyOperator": {"lifecycle_policies": {"*": POLICY}, "lifecycle_policy_text": POLICY},
}
"""What an operator needs besides what is required."""


OPERATORS = sorted(set(registered_operators()), key=lambda operator: operator.__name__)
CASES = [(operator, name) for operator in OPERATORS for name in operator.template_fields]


class Hook:
    """A hook that makes no call."""

    region_name = conn_region_name = "us-east-1"
    conn_partition = "aws"

    def __init__(self, **_: Any) -> None:
        pass

    def start_preview(self, _: str, policy: Any, **__: Any) -> NoReturn:
        """Check the policy, as the hook does before its first call."""
        if policy is not None:
            LifecyclePolicy.parse(policy)
        raise Reached

    def __getattr__(self, name: str) -> NoReturn:
        raise Reached


class RunContext(dict[str, Any]):
    """A context of which nothing is used but what is about the run itself."""

    def get(self, key: str, default: Any = None) -> Any:
        return reached() if key == "task_state_store" else super().get(key, default)


@dataclass
class Reading:
    """Makes an operator, renders it with Jinja as Airflow does, and returns how it reads a parameter."""

    read: dict[str, Any] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.dags = {native: DAG("d", schedule=None, render_template_as_native_obj=native) for native in (False, True)}
        self.environments = {native: dag.get_template_env() for native, dag in self.dags.items()}

    def of(
        self, operator: type[BaseOperator], name: str, spelled: Any, *, native: bool = False, **variables: Any
    ) -> Any:
        """Return what the operator reads of a parameter.

        :raises ValueError: if it refuses the value, before anything is asked.
        """
        given = {key: REQUIRED[key] for key in required(operator)}
        given |= ALSO.get(operator.__name__, {})
        if spelled is not ABSENT:
            given[name] = spelled
        elif name in given:
            del given[name]
        task: Any = operator(task_id=f"task_{next(self.numbers)}", dag=None, **given)
        task.dag = self.dags[native]
        ti = SimpleNamespace(
            run_id="run", map_index=-1, try_number=1, xcom_push=reached, task=SimpleNamespace(outlets=[])
        )
        context = RunContext(ti=ti, run_id="run", dag=self.dags[native], dag_run=None, **variables)
        task.render_template_fields(context, self.environments[native])
        task.__dict__["hook"], task.aws_hook_class = Hook(), Hook
        self.read.clear()
        with suppress(Reached):  # some have nothing to ask
            task.execute(context)
        if name in ("region_name", "verify") and hasattr(task, "_hook_parameters"):
            return task._hook_parameters[name]
        return self.read.get(name)


@pytest.fixture(scope="module")
def reading() -> Iterator[Reading]:
    reading = Reading()
    with pytest.MonkeyPatch.context() as patch:
        _record_readers(patch, reading.read)
        package = "airflow_provider_ecr_preview"
        patch.setattr(f"{package}.operators.ecr_approval.listed_images", reached)
        patch.setattr(f"{package}.operators._checked_base.EvidenceCollector", reached)
        patch.setattr(f"{package}.operators.ecr_cleanup_policies.read_former_policies", reached)
        patch.setattr(f"{package}.operators.ecr_compare.PolicyComparer", reached)
        patch.setattr(f"{package}.operators.ecr_in_use.AwsGenericHook", reached)
        patch.setattr(f"{package}.operators.ecr_preview_summarize.require_no_recorded_pulls", reached)
        patch.setattr(f"{package}.operators.ecr_preview_summarize.replicas_through", lambda _: None)
        patch.setattr(f"{package}.operators.ecr_recommend.PolicyRecommender.recommend", reached)
        patch.setattr(f"{package}.operators._audit_parameters.read_registry_facts", lambda _: None)
        patch.setattr(f"{package}.operators._audit_parameters.replicas_through", lambda _: None)
        yield reading


def _record_readers(patch: pytest.MonkeyPatch, read: dict[str, Any]) -> None:
    """Keep what every reader returns, by the name of the parameter; the outermost reader comes last."""

    def recording(reader: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(reader)
        def record(
            value: Any, parameter: str = reader.__name__.removeprefix("read_"), *args: Any, **kwargs: Any
        ) -> Any:
            if reader.__name__.startswith("read_"):
                read[parameter] = reader(value)
            else:
                read[parameter] = reader(value, parameter, *args, **kwargs)
            return read[parameter]

        return record

    originals = {getattr(import_module(module), name): name for module, names in READERS.items() for name in names}
    import sys  # noqa: PLC0415 - of this one use

    for module in [m for key, m in sys.modules.items() if key.startswith("airflow_provider_ecr_preview")]:
        for name, value in list(vars(module).items()):
            if callable(value) and getattr(value, "__hash__", None) and value in originals:
                patch.setattr(module, name, recording(value))


def required(operator: type[BaseOperator]) -> list[str]:
    import inspect  # noqa: PLC0415

    parameters = inspect.signature(operator.__init__).parameters.values()
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY
    ]


def kind_of(operator: type[BaseOperator], name: str) -> Kind:
    return OF_OPERATOR.get((operator.__name__, name)) or KINDS[name]


SET_IN_THE_DAG_FILE = {
    "botocore_config",  # an object
    "deferrable",  # decides which code Airflow loads
    "multiple_outputs",  # decides which outputs there are
    "poke_interval",  # of a sensor, which Airflow checks itself
    "response_timeout",  # of Airflow's ApprovalOperator
    "sources",  # may be functions
    "trigger_rule",
}
"""The parameters that cannot come from a form, with the reason."""


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_other_parameter_can_come_from_a_form(operator: type[BaseOperator]) -> None:
    own = set(operator.__init__.__annotations__) - {"kwargs", "return"} - SET_IN_THE_DAG_FILE
    if issubclass(operator, BaseSensorOperator):
        own -= {"timeout"}
    assert own - set(operator.template_fields) == set()


def test_every_templated_parameter_is_of_a_known_kind() -> None:
    assert {name for _, name in CASES} - set(KINDS) - _of_airflow() == set()


def _of_airflow() -> set[str]:
    from airflow.providers.standard.operators.hitl import ApprovalOperator  # noqa: PLC0415

    return set(ApprovalOperator.template_fields)


def spellings(value: Any, kind: Kind) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield how a value may be handed over: itself, by a template, as JSON, as text."""
    yield value, {}
    yield "{{ value }}", {"value": value}
    if kind.is_list and isinstance(value, list):
        yield [f"{{{{ value[{index}] }}}}" for index in range(len(value))], {"value": value}
        if value:
            yield "{{ value }}", {"value": ", ".join(value)}
            yield "{{ value }}", {"value": "\n".join(value)}
    if isinstance(value, Mapping | list | bool | int | float) and value is not True:
        yield "{{ value | tojson }}", {"value": value}


def _has_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and any(isinstance(item, Mapping) for item in value))


CHECKED = [(operator, name) for operator, name in CASES if name in KINDS and kind_of(operator, name).forms]
checked = pytest.mark.parametrize(("operator", "name"), CHECKED, ids=[f"{o.__name__}-{n}" for o, n in CHECKED])


@checked
def test_every_form_of_a_value_is_read_as_the_same(reading: Reading, operator: type[BaseOperator], name: str) -> None:
    kind = kind_of(operator, name)
    for value, expected in kind.forms:
        for spelled, variables in spellings(value, kind):
            for native in (False, True):
                if value and not native and spelled == "{{ value }}" and _has_mapping(value):
                    # Python's text of a dict is refused, with what to write instead.
                    with pytest.raises(ValueError, match=r"tojson.*render_template_as_native_obj=True"):
                        reading.of(operator, name, spelled, native=native, **variables)
                    continue
                read = reading.of(operator, name, spelled, native=native, **variables)
                what = (spelled, variables, native)
                if isinstance(expected, Mapping) and isinstance(read, str):
                    read = json.loads(read)
                if kind.is_list:
                    assert tuple(read) == tuple(expected) or set(read) == set(expected), what
                else:
                    assert read == expected, what
                    assert type(read) is type(expected) or isinstance(read, int | float), what


@checked
def test_none_is_the_default_and_so_is_an_empty_text_where_no_image_is_protected_by_it(
    reading: Reading, operator: type[BaseOperator], name: str
) -> None:
    kind = kind_of(operator, name)
    if name in required(operator):
        for value in ["", "None", "null"] if kind.protects else []:
            with pytest.raises(ValueError, match=rf"\b{name} is .*not set"):
                reading.of(operator, name, value)
        return
    if name in ALSO.get(operator.__name__, {}):
        return
    default = reading.of(operator, name, ABSENT)
    # The defaults of these depend on the run, on the time, or on the shape that the DAG wants.
    if name in ("audit_id", "audit_name", "batch_size", "end_time") or (name == "region_names" and not kind.protects):
        default = ANY
    assert reading.of(operator, name, "{{ none }}", native=True) == default
    for value in ["", " ", "None", "null"]:
        for spelled in (value, "{{ value }}"):
            native = spelled != value
            if native and value == "None":  # native rendering makes None of it, which is the default
                continue
            if kind.protects:
                with pytest.raises(ValueError, match=rf"\b{name} is .*not set"):
                    reading.of(operator, name, spelled, native=native, value=value)
            else:
                assert reading.of(operator, name, spelled, native=native, value=value) == default, (spelled, value)


class _Any:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


ANY = _Any()


@checked
def test_what_a_parameter_does_not_take_is_refused_before_any_call(
    reading: Reading, operator: type[BaseOperator], name: str
) -> None:
    kind = kind_of(operator, name)
    for value in kind.bad:
        # Natively, Jinja would make of a text what is valid: 16 of 0x10, and a dict of Python's text of one.
        spelled = [(value, False, {}), ("{{ value }}", not isinstance(value, str), {"value": value})]
        for given, native, variables in spelled:
            with pytest.raises(ValueError, match=name if kind.names_itself else "lifecycle policy") as raised:
                reading.of(operator, name, given, native=native, **variables)
            assert len(str(raised.value)) < 2_000


def test_the_defaults_of_the_protection_are_those_of_the_documentation(reading: Reading) -> None:
    [operator] = [
        operator_class for operator_class in OPERATORS if operator_class.__name__ == "EcrDeletePreviewedImagesOperator"
    ]
    assert reading.of(operator, "protected_tags", ABSENT) == PROTECTED_TAGS
    assert reading.of(operator, "max_images", None) is None  # written in a DAG
    assert reading.of(operator, "max_images", "{{ none }}", native=True) == 1_000


def arguments(operator: type[BaseOperator], name: str, value: Any) -> dict[str, Any]:
    """Return the arguments that an operator needs, and a value of one of them."""
    needed = {key: REQUIRED[key] for key in required(operator)} | ALSO.get(operator.__name__, {})
    return {**needed, name: value}


def is_refused_at_import(name: str, value: Any) -> bool:
    """Return whether a value says by itself that it is wrong: results of tasks and files are read at run time only."""
    # None is the default, and an empty text of a form becomes one.
    if name == "acknowledged_findings" and value == "/no/such/file":
        return False
    return value is not None and name not in ("expected_policies", "previous_summaries", "summary")


@checked
def test_a_wrong_constant_is_refused_when_the_dag_is_imported(operator: type[BaseOperator], name: str) -> None:
    kind = kind_of(operator, name)
    for value in filter(lambda value: is_refused_at_import(name, value), kind.bad):
        what = name if kind.names_itself else "lifecycle policy"
        given = arguments(operator, name, value)
        with pytest.raises(ValueError, match=rf"'audit_it'.*{name}|{what}"):
            operator(task_id="audit_it", **given)
        with pytest.raises(ValueError, match=rf"'audit_it'.*{name}|{what}"):
            operator.partial(task_id="audit_it", **given)
        other = next(key for key in (*required(operator), "task_display_name") if key != name)
        given.pop(other, None)
        partial = operator.partial(task_id="audit_it", **{key: given[key] for key in given if key != name})
        with pytest.raises(ValueError, match=rf"'audit_it'.*{name}|{what}"):
            partial.expand(**{name: [value]})
        partial = operator.partial(task_id="audit_it", **{key: given[key] for key in given if key != name})
        with pytest.raises(ValueError, match=rf"'audit_it'.*{name}|{what}"):
            partial.expand_kwargs([{name: value}])


@checked
def test_what_a_parameter_takes_and_what_is_known_at_run_time_only_passes_the_import(
    operator: type[BaseOperator], name: str
) -> None:
    kind = kind_of(operator, name)
    for value, _ in kind.forms:
        for spelled, _ in spellings(value, kind):
            operator(task_id="audit_it", **arguments(operator, name, spelled))
    for unknown in ("{{ params.x }}", "{% if x %}1{% endif %}", ["{{ params.x }}", 1.5], {"a": "{{ params.x }}"}):
        operator(task_id="audit_it", **arguments(operator, name, unknown))
    with DAG("of_outputs", schedule=None):
        listed = operator(task_id="before", **arguments(operator, name, "{{ params.x }}"))
        operator(task_id="audit_it", **arguments(operator, name, listed.output))
        operator.partial(
            task_id="mapped", **{key: value for key, value in arguments(operator, name, 1).items() if key != name}
        ).expand(**{name: listed.output})
