"""What a template, a form or a DAG file hands over is read in one way, and nothing is guessed."""

from __future__ import annotations

import json
import math
from collections import UserList, deque
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import jinja2
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.parameters import times
from airflow_provider_ecr_preview.core.parameters import values as parameters
from airflow_provider_ecr_preview.core.parameters.forms import is_python_text, shown
from airflow_provider_ecr_preview.core.protection.pattern_validation import tag_globs

UNSET = ["", "  ", "\n", "None", " None ", "null"]
HUGE = 10**400

READERS: dict[str, Any] = {
    "text": parameters.text,
    "texts": parameters.texts,
    "number": parameters.number,
    "integer": parameters.integer,
    "switch": parameters.switch,
    "choice": lambda *args, **kwargs: parameters.choice(*args[:2], ["fail", "skip"], *args[2:], **kwargs),
    "account_id": parameters.account_id,
    "decoded": parameters.decoded,
    "days": times.days,
    "duration": times.duration,
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("default", [None, "the default"])
def test_none_and_what_a_template_leaves_of_it_are_the_default(reader: Any, default: Any) -> None:
    expected = tuple(default or ()) if reader is parameters.texts else default
    default = () if reader is parameters.texts and default is None else default
    for value in [None, *UNSET]:
        assert reader(value, "the_parameter", default) == expected


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("value", UNSET)
def test_where_images_are_protected_a_text_that_says_nothing_is_an_error(reader: Any, value: str) -> None:
    assert reader(None, "protected", "x", protects=True) in ("x", ("x",))
    with pytest.raises(ValueError, match=r"^protected is .*not set.*leave protected out"):
        reader(value, "protected", "x", protects=True)


LISTS: list[tuple[Any, list[str]]] = [
    (["latest", "prod*"], ["latest", "prod*"]),
    (("latest", "prod*"), ["latest", "prod*"]),
    ({"prod*", "latest"}, ["latest", "prod*"]),
    (frozenset({"prod*", "latest"}), ["latest", "prod*"]),
    ({"latest": 1, "prod*": 2}.keys(), ["latest", "prod*"]),
    ({1: "latest", 2: "prod*"}.values(), ["latest", "prod*"]),
    (UserList(["latest", "prod*"]), ["latest", "prod*"]),
    (deque(["latest", "prod*"]), ["latest", "prod*"]),
    ([" latest ", "\tprod*\n"], ["latest", "prod*"]),
    ("latest, prod*", ["latest", "prod*"]),
    ("latest,prod*,", ["latest", "prod*"]),
    (" latest \n prod* \r\n", ["latest", "prod*"]),
    ("['latest', 'prod*']", ["latest", "prod*"]),
    ("('latest', 'prod*')", ["latest", "prod*"]),
    ("{'latest'}", ["latest"]),
    ('["latest","prod*"]', ["latest", "prod*"]),
    ('[\n  "latest",\n  "prod*"\n]', ["latest", "prod*"]),
    ('"latest", "prod*"', ["latest", "prod*"]),
    ("'latest','prod*'", ["latest", "prod*"]),
    ('"latest"', ["latest"]),
    ('"latest, prod*"', ["latest", "prod*"]),
    ("latest", ["latest"]),
    ("[ab]*, v[0-9]*", ["[ab]*", "v[0-9]*"]),
    (r"^v\d{1,3}$, ^[a,b]+$", [r"^v\d{1,3}$", "^[a,b]+$"]),
    (r"^a\($, b", [r"^a\($", "b"]),
    ("a), b", ["a)", "b"]),
    (str([r"^v\d+$", "it's"]), [r"^v\d+$", "it's"]),
    (2048, ["2048"]),
    ([2048, "v1"], ["2048", "v1"]),
    ("2048", ["2048"]),
    ("1.10", ["1.10"]),
    ("[1, 2]", ["1", "2"]),
    ([], []),
    ((), []),
    ("[]", []),
    ("()", []),
]


@pytest.mark.parametrize(
    ("value", "expected"), LISTS, ids=[f"{n}-{type(value).__name__}" for n, (value, _) in enumerate(LISTS)]
)
def test_a_list_is_the_same_in_every_spelling(value: Any, expected: list[str]) -> None:
    assert parameters.texts(value, "tags", ["default"], protects=True) == tuple(expected)


def test_what_can_be_read_only_once_is_a_list_too() -> None:
    assert parameters.texts((tag for tag in ("latest", "prod*")), "tags", protects=True) == ("latest", "prod*")
    assert parameters.texts(iter([]), "tags", ["default"], protects=True) == ()


@drawn(st.lists(st.text(st.characters(codec="ascii", exclude_characters="[](){}\"'\\,\r\n"), min_size=1)))
def test_a_list_of_anything_is_the_same_as_json_and_as_python_writes_it(items: list[str]) -> None:
    unset = {"", "nan", "nil", "none", "null", "undefined"}
    items = [item.strip() for item in items if item.strip().lower() not in unset]
    for spelled in (items, json.dumps(items), str(items), repr(tuple(items))):
        assert parameters.texts(spelled, "tags", protects=True) == tuple(items)
    if items:
        assert parameters.texts(", ".join(items), "tags") == tuple(items)
        assert parameters.texts("\n".join(items), "tags") == tuple(items)


@pytest.mark.parametrize(
    "value",
    [
        True,
        1.5,
        math.nan,
        b"latest",
        bytearray(b"latest"),
        {"latest": True},
        "{'latest': True}",
        '{"latest": true}',
        [1.1],
        [None],
        [True],
        [["latest"]],
        [b"latest"],
        jinja2.Undefined(name="tags"),
        jinja2.ChainableUndefined(name="tags"),
    ],
)
@pytest.mark.parametrize("protects", [True, False])
def test_what_is_no_list_of_texts_is_refused(value: Any, protects: bool) -> None:
    with pytest.raises(ValueError, match=r"tags"):
        parameters.texts(value, "tags", protects=protects)


@pytest.mark.parametrize(
    "value",
    [
        ["v*", ""],
        ["v*", " "],
        ["None"],
        ["null", "v*"],
        "v*, None",
        ",",
        " , \n",
        '["v*", ""]',
        "''",
        '""',
        "' '",
        '","',
        "((),)",
    ],
)
def test_an_empty_text_protects_nothing_and_is_refused_where_images_are_protected(value: Any) -> None:
    with pytest.raises(ValueError, match=r"tags is .*"):
        parameters.texts(value, "tags", protects=True)


@pytest.mark.parametrize("text", ["none", "NONE", "Null", "nan", "NaN", "nil", "undefined", "Undefined"])
def test_what_other_tools_write_of_a_value_that_is_not_set_protects_no_image(text: str) -> None:
    for value in (text, f" {text} ", [text], f"v*, {text}", f'["{text}"]'):
        with pytest.raises(ValueError, match=r"tags is .*"):
            parameters.texts(value, "tags", protects=True)
    assert parameters.texts(text, "names") == (text,)


@pytest.mark.parametrize(
    "text", ["['latest' 'prod*']", "['latest'\n 'prod*']", "('latest' 'prod*')", '["latest" "prod*"]']
)
def test_texts_without_a_comma_between_are_not_joined(text: str) -> None:
    assert "latestprod*" not in parameters.texts(text, "tags", protects=True)
    with pytest.raises(ValueError, match=r"protected_tags holds"):
        tag_globs(text, "protected_tags", ())


def test_elsewhere_empty_texts_of_a_list_are_left_out() -> None:
    assert parameters.texts(["a", "", " "], "names") == ("a",)


NUMBERS: list[tuple[Any, float]] = [
    (5, 5),
    (0, 0),
    (-0.0, 0),
    (0.5, 0.5),
    ("5", 5),
    (" 5 ", 5),
    ("+5", 5),
    ("0.5", 0.5),
    (".5", 0.5),
    ("5.", 5),
    ("1e3", 1000),
    ("1E+3", 1000),
    ("10_000", 10_000),
    ("007", 7),
    (10**20, 10**20),
]


@pytest.mark.parametrize(("value", "expected"), NUMBERS)
def test_a_number_is_the_same_as_text(value: Any, expected: float) -> None:
    assert parameters.number(value, "share", None) == expected
    if expected == int(expected):
        whole = parameters.integer(value, "count", None)
        assert (whole, type(whole)) == (expected, int)


NO_NUMBERS = [
    True,
    False,
    math.nan,
    math.inf,
    -math.inf,
    HUGE,
    "nan",
    "inf",
    "-Infinity",
    "1e999",
    "9" * 401,
    "true",
    "5 days",
    "50%",
    "1,000",
    "1__0",
    "_1",
    "0x10",
    "٣",
    "1 0",
    "unlimited",
    [],
    [5],
    {},
    b"5",
    1j,
    Decimal(5),
    jinja2.Undefined(name="count"),
]


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("read", [parameters.number, parameters.integer, times.days, times.seconds])
def test_what_is_no_finite_number_is_refused(read: Any, value: Any) -> None:
    with pytest.raises(ValueError, match=r"^count is .*Use a"):
        read(value, "count", 1)


@pytest.mark.parametrize("value", [-1, "-1", -0.001, 11, "11"])
def test_a_number_out_of_range_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^share is .*Use a number from 0 to 10\."):
        parameters.number(value, "share", None, maximum=10)
    with pytest.raises(ValueError, match=r"^count is .*Use (a whole number, )?0 to 10\."):
        parameters.integer(value, "count", None, maximum=10)


def test_a_whole_number_is_no_fraction() -> None:
    with pytest.raises(ValueError, match=r"^count is 1\.5\. Use a whole number, 1 or more\."):
        parameters.integer(1.5, "count", None, minimum=1)
    assert parameters.integer(1.0, "count", None, minimum=1) == 1


def test_a_limit_is_lifted_by_its_word_alone() -> None:
    for value in ["unlimited", " Unlimited ", parameters.written_limit(None)]:
        assert parameters.limit(value, "max_images", 5, parameters.integer) is None
    assert parameters.limit(None, "max_images", 5, parameters.integer) == 5
    assert parameters.limit(parameters.written_limit(3), "max_images", 5, parameters.integer) == 3
    assert parameters.limit("0.5", "max_share", 1.0, parameters.number, maximum=1) == 0.5
    assert parameters.limit("P1D", "max_preview_age", timedelta(), times.duration) == timedelta(days=1)
    for value in ["None", "", "inf", -1, math.inf, "none"]:
        with pytest.raises(ValueError, match=r"^max_images is .*or 'unlimited' for no limit\.$"):
            parameters.limit(value, "max_images", 5, parameters.integer)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (False, False), ("True", True), ("false", False), (" TRUE ", True), ("False", False)],
)
def test_a_switch_is_a_boolean_or_its_spelled_form(value: Any, expected: bool) -> None:
    assert parameters.switch(value, "dry_run", None) is expected


@pytest.mark.parametrize(
    "value", [0, 1, "0", "1", "yes", "no", "on", "off", "t", "f", "y", 0.0, [], [True], {}, jinja2.Undefined(name="x")]
)
def test_anything_else_is_no_switch(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^dry_run is .*\. Use True or False\.$"):
        parameters.switch(value, "dry_run", True)


def test_a_choice_is_one_of_its_texts_also_where_that_is_none() -> None:
    assert parameters.choice(" skip ", "on_blocked", ["fail", "skip"], "fail") == "skip"
    assert parameters.choice("none", "fail_on", ["any", "all", "none"], "any") == "none"
    assert parameters.choice("None", "fail_on", ["any", "all", "none"], "any") == "any"
    for value in ["Skip", 1, True, ["skip"]]:
        with pytest.raises(ValueError, match=r"^on_blocked is .*\. Use 'fail', 'skip' or 'report'\.$"):
            parameters.choice(value, "on_blocked", ["fail", "skip", "report"], "fail")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("123456789012", "123456789012"),
        (123456789012, "123456789012"),
        (12345678901, "012345678901"),
        (123456789, "000123456789"),
        (" 012345678901 ", "012345678901"),
    ],
)
def test_an_account_id_gets_back_the_zeros_that_it_lost_as_a_number(value: Any, expected: str) -> None:
    assert parameters.account_id(value, "registry_id") == expected


@pytest.mark.parametrize(
    "value",
    [
        "12345678901",
        "1234567890123",
        1234567890123,
        2048,
        -12345678901,
        12345678901.0,
        True,
        "my-registry",
        "\u0661" * 12,
        [],
    ],
)
def test_what_is_no_account_id_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^registry_id is .*12 digits\.$"):
        parameters.account_id(value, "registry_id")


def test_a_text_that_became_a_number_is_text_again() -> None:
    assert parameters.text(2048, "repository_name") == "2048"
    assert parameters.text(" payments/api ", "repository_name") == "payments/api"
    for value in [True, 1.5, ["a"], b"a", jinja2.Undefined(name="x")]:
        with pytest.raises(ValueError, match=r"^repository_name is .*\. Use a text\.$"):
            parameters.text(value, "repository_name")


def test_days_and_seconds_are_numbers_or_lengths_of_time() -> None:
    for value in [7, "7", 7.0, timedelta(days=7), "P7D", "P1W", "7 days, 0:00:00", "PT168H"]:
        assert times.days(value, "min_age_days", None) == 7
    for value in [90, "90", timedelta(seconds=90), "PT1M30S", "0:01:30", "PT90.0S"]:
        assert times.seconds(value, "timeout", None) == 90
    assert times.seconds(None, "timeout", None) is None
    for value in [-1, timedelta(days=-1), "-1 day, 0:00:00", 36_501, "P", "PT", "P1", "P1Y"]:
        with pytest.raises(ValueError, match=r"^min_age_days is .*0 to switch it off\."):
            times.days(value, "min_age_days", 7)
    with pytest.raises(ValueError, match=r"^poll_interval is 0\."):
        times.seconds(0, "poll_interval", None, minimum=0.001)


def test_a_duration_says_of_what_it_is() -> None:
    for value in [timedelta(hours=36), "P1DT12H", "1 day, 12:00:00"]:
        assert times.duration(value, "max_preview_age", None) == timedelta(hours=36)
    for value in [36, "36", timedelta(-1), "P999999999999D", "P99999D", timedelta.max, True]:
        with pytest.raises(ValueError, match=r"^max_preview_age is .*timedelta"):
            times.duration(value, "max_preview_age", None)


def test_a_moment_has_a_time_zone() -> None:
    moment = datetime(2026, 11, 24, 8, tzinfo=UTC)
    for value in [moment, moment.isoformat(), str(moment), "2026-11-24T08:00:00Z"]:
        assert times.moment(value, "start_time", None) == moment
    assert times.moment("None", "start_time", moment) == moment
    for value in ["yesterday", 5, True, datetime(2026, 11, 24), "2026-11-24"]:  # noqa: DTZ001 - that is the fault
        with pytest.raises(ValueError, match=r"^start_time is .*2026-11-24T08:00:00\+00:00\.$"):
            times.moment(value, "start_time", None)


def test_an_object_is_read_from_json() -> None:
    assert parameters.decoded('{"a": [1]}', "summary") == {"a": [1]}
    assert parameters.decoded({"a": 1}, "summary") == {"a": 1}
    assert parameters.mapping(None, "tags") == {}
    assert parameters.mapping('{"team": null}', "tags") == {"team": None}
    for value in ["[]", [], 5, "5"]:
        with pytest.raises(ValueError, match=r"^tags is .*Use a mapping"):
            parameters.mapping(value, "tags")
    for value in ['{"a": ', "a", "[" * 100_000]:
        with pytest.raises(ValueError, match=r"^summary is not JSON .*tojson"):
            parameters.decoded(value, "summary")


@pytest.mark.parametrize("read", [parameters.decoded, parameters.mapping])
@pytest.mark.parametrize("value", ["{'rules': [{'rulePriority': 1, 'x': True}]}", " {'rules': None} "])
def test_python_text_of_a_dict_names_what_to_write(read: Any, value: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"^the_policy is the text of a Python object.*\| tojson.*render_template_as_native_obj=True",
    ):
        read(value, "the_policy")


def test_python_text_is_distinguished_from_other_text() -> None:
    assert is_python_text(" {'a': 1} ")
    assert is_python_text("[True]")
    assert not any(map(is_python_text, ["{a}", "{1, 2}", "a", "", "(1, 2)"]))


def test_a_message_cuts_a_long_value() -> None:
    assert shown("short") == "'short'"
    assert shown("x" * 1000).endswith("... (1002 characters)")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, None),
        ("None", None),
        (True, True),
        (False, False),
        ("false", False),
        ("True", True),
        ("/certificates/ca.pem", "/certificates/ca.pem"),
    ],
)
def test_tls_is_verified_as_a_switch_or_with_the_certificates_of_a_file(value: Any, read: bool | str | None) -> None:
    assert parameters.tls_verification(value, "verify") == read


def test_a_number_does_not_say_how_tls_is_verified() -> None:
    with pytest.raises(ValueError, match="verify"):
        parameters.tls_verification(7, "verify")
