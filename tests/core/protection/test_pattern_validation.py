"""A glob or an expression that protects tags can match a tag, and ends in time on every tag."""

from __future__ import annotations

import re
import string
from collections import Counter
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.protection import pattern_automaton
from airflow_provider_ecr_preview.core.protection.pattern_automaton import (
    TAG_CHARACTERS,
    PatternAutomaton,
    UnfitPatternError,
)
from airflow_provider_ecr_preview.core.protection.pattern_cost import MAX_STEPS, max_steps
from airflow_provider_ecr_preview.core.protection.pattern_validation import (
    check_tag_glob,
    check_tag_pattern,
    tag_globs,
    tag_patterns,
)

DEFAULT = ("latest", "prod*")
SEMVER = (
    r"^(?P<major>0|[1-9]\d*)\.(?P<minor>0|[1-9]\d*)\.(?P<patch>0|[1-9]\d*)"
    r"(?:-(?P<prerelease>(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?$"
)


@pytest.mark.parametrize(
    "glob",
    [
        "latest",
        "prod*",
        "*",
        "**",
        "*.sig",
        "*-prod-*",
        "v?.?",
        "v[0-9]*",
        "[vr]*",
        "[!a]*",
        "[]a]x",
        "[a-z][0-9]",
        "x" * 128,
        "?" * 128,
        "_a",
        "2048",
    ],
)
def test_a_glob_that_a_tag_can_match_is_taken(glob: str) -> None:
    check_tag_glob(glob, "protected_tags")
    assert tag_globs([glob], "protected_tags", DEFAULT) == (glob,)


@pytest.mark.parametrize(
    "glob",
    [
        "",
        " ",
        "prod *",
        "latest, prod*",
        "'latest'",
        '"latest',
        "['latest'",
        "[latest",
        "prod*]",
        "[latest]",
        "[prod, live]",
        "(prod|live)*",
        "{prod,live}*",
        "payments/api:v1",
        "sha256:0123",
        ".sig",
        "-prod",
        "[.-]x",
        "[,]",
        "x[, ]y",
        "[z-a]x",
        "^v1$",
        "v1\\*",
        "\u00fcber*",
        "v\N{ARABIC-INDIC DIGIT ONE}",
        "x" * 129,
        "?" * 129,
        "<generator object at 0x7f>",
        "set()",
    ],
)
def test_a_glob_that_no_tag_matches_is_refused(glob: str) -> None:
    with pytest.raises(ValueError, match=r"^protected_tags holds .*"):
        check_tag_glob(glob, "protected_tags")


@given(st.text(st.sampled_from("ab1.-_*?[]!, '"), max_size=6), st.text(st.sampled_from("ab1.-_"), min_size=1))
def test_a_glob_that_matches_a_tag_is_never_called_impossible(glob: str, tag: str) -> None:
    if tag[0] in ".-" or not fnmatchcase(tag, glob) or re.fullmatch(r"\[.+\]", glob):
        return
    check_tag_glob(glob, "protected_tags")


FINE = [
    r"^v\d+\.\d+\.\d+$",
    r"^(prod|live)-.*$",
    r"^release-(\d+\.)+\d+$",
    r"^v\d+(\.\d+)*(-rc\d+)?$",
    r"^\d{4}\d{2}\d{2}-\d{6}$",
    r"^[0-9a-f]{40}$",
    r"^sha256-[0-9a-f]{64}(\..*)?$",
    r"^(latest|stable|prod.*)$",
    r"^\w{1,20}-\d{1,6}$",
    r"^[a-z]+(-[a-z0-9]+)*$",
    r"^(\w+-)*\w+$",
    r"^(?!dev-).*$",
    r"^(?!.*dev)(?!.*test).*-prod$",
    r"(?<=-)prod$",
    r"\bprod\b",
    r"(?i)^PROD",
    r"(?i:PROD)-\d",
    r"(?i)[\u212a]x",
    r"(?i)^(k|\u212a)*$",
    r"(?x) ^ prod  # the environment",
    r"^(?:^a|^b)",
    r"^(?>prod|live)\d++$",
    r"^[^\W_]+\.[^a-z]",
    r"^.*(prod|live).*$",
    r".*-prod-.*",
    r"^.*-.*-.*$",
    r"^.*a.{20}$",
    r"^(rc|release)*\d$",
    r"-[34]$",
    r"\.sig$",
    r"\S\D\d\W",
    r"x*",
    r".{0,500}",
    SEMVER,
]


@pytest.mark.parametrize("pattern", FINE)
def test_an_ordinary_expression_is_taken(pattern: str) -> None:
    check_tag_pattern(pattern, "protected_tag_patterns")
    assert tag_patterns([pattern], "protected_tag_patterns") == (pattern,)


TOO_MANY_WAYS = [
    r"^(a+)+$",
    r"(a|a)*",
    r"(a|aa)+$",
    r"(a|b|ab)*c",
    r"(.*)*",
    r"(a*)*",
    r"(a?)*",
    r"(|a)*",
    r"(\w+\s?)+$",
    r"(\w+-?)*x",
    r"(-?\w+)*x",
    r"^(\d+\.?)+$",
    r"(x+x+)+y",
    r"([a-zA-Z]+)*$",
    r"(?i)[\u212a]+[\u212a]+[\u212a]+[\u212a]+k",
    r"\w*\w*\w*\w*x",
    r"(?s:.*?){4}x",
    r".*.*.*x.*",
    r"(.*a){20}",
    r"(a?){40}a{40}",
    "a?" * 30 + "a" * 30,
    r"(?:a|a){50}",
    r"(a{1,12}){1,12}",
    r"(\w{1,100}-){1,100}",
    r"([a-z]?){300}",
    r"[a-z]*.*a.{20}$",
    r"(?=(a+)+$)",
    r"(?!(a+)+$)x",
    r"(?<!a)(a+)+$",
    r"(a)\1",
    r"(?P<x>a)(?P=x)",
    r"(a)?(?(1)b|c)",
]


@pytest.mark.parametrize("pattern", TOO_MANY_WAYS)
def test_an_expression_that_can_take_hours_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^protected_tag_patterns holds .*\^v\(\\d\+\\\.\)\+.*protected_tags\.$"):
        check_tag_pattern(pattern, "protected_tag_patterns")


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        " ",
        "'v1'",
        '"v1"',
        "a b",
        "payments/api",
        r"^-x",
        r"^\.sig",
        "^$",
        r"^(\s*)$",
        r"\s",
        "[,]x",
        "a{129}",
        r"^(?:\.|-)",
        "$prod",
        "prod$.+",
        "v1^",
        "(?:^v1|^v2)$-rc",
        "($prod)",
        r"\Zv1|v2\A",
        "$PROD|$LIVE",
    ],
)
def test_an_expression_that_no_tag_matches_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^protected_tag_patterns holds .*matches no tag.*128 letters"):
        check_tag_pattern(pattern, "protected_tag_patterns")


@pytest.mark.parametrize("pattern", ["v([", "*", "a**", "[[a]x", "(?P<a", "(" * 5000, "a{99999999999}", "\\"])
def test_what_is_no_expression_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^protected_tag_patterns: .* is not a regular expression"):
        check_tag_pattern(pattern, "protected_tag_patterns")


@pytest.mark.parametrize("pattern", ["[latest]", "[latest, prod]"])
def test_a_list_without_quotes_is_no_expression(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^protected_tag_patterns holds .*matches only one character"):
        check_tag_pattern(pattern, "protected_tag_patterns")


@pytest.mark.parametrize("read", [tag_globs, tag_patterns])
def test_none_is_the_default_and_an_empty_list_is_none_on_purpose(read: Any) -> None:
    assert read(None, "protected", ("latest",)) == ("latest",)
    assert read([], "protected", ("latest",)) == ()
    for value in ["", "None", "null", ["latest", ""], "latest, ''"]:
        with pytest.raises(ValueError, match=r"^protected "):
            read(value, "protected", ("latest",))


def expressions() -> st.SearchStrategy[str]:
    """Return expressions of letters, classes, alternatives and repeats."""
    characters = st.sampled_from(["a", "b", "[ab]", ".", "[^a]", "(?:a|b)"])
    return st.recursive(
        characters,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map("".join),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
            st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "{2}", "{0,2}", "{1,3}"])).map(
                lambda parts: f"(?:{parts[0]}){parts[1]}"
            ),
        ),
        max_leaves=6,
    )


def ways(automaton: PatternAutomaton, text: str) -> int:
    """Return in how many ways a beginning of the text is read."""

    def from_(following: Counter[int], rest: str) -> int:
        total = 1 + sum(following.values())
        for position, count in following.items():
            if rest and rest[0] in automaton.characters[position]:
                total += count * from_(automaton.follow[position], rest[1:])
        return total

    return from_(automaton.whole.first, text)


@given(expressions())
@example("(?:a|a)*")
@example(r"(?:a|ab)*b")
@example("(?:a?b?)(?:a?b?)")
def test_no_text_is_read_in_more_ways_than_were_counted(pattern: str) -> None:
    try:
        automaton = PatternAutomaton.of(pattern)
    except UnfitPatternError:
        return
    bound = max_steps(automaton)
    for text in map("".join, product("ab", repeat=4)):
        counted = sum(ways(automaton, text[start:]) for start in range(len(text)))
        assert counted <= bound or bound > MAX_STEPS


@given(expressions(), st.text(st.sampled_from("ab"), min_size=1, max_size=8))
def test_the_automaton_reads_what_python_reads(pattern: str, text: str) -> None:
    try:
        automaton = PatternAutomaton.of(pattern)
    except UnfitPatternError:
        return
    reached = {position for position in automaton.whole.first if text[0] in automaton.characters[position]}
    for character in text[1:]:
        following = {follower for position in reached for follower in automaton.follow[position]}
        reached = {position for position in following if character in automaton.characters[position]}
    assert bool(reached & set(automaton.whole.last)) is bool(re.fullmatch(pattern, text))


@given(expressions(), st.text(st.sampled_from(TAG_CHARACTERS), min_size=1, max_size=8))
def test_an_expression_that_matches_a_tag_is_never_called_impossible(pattern: str, tag: str) -> None:
    if tag[0] in ".-" or not re.search(pattern, tag):
        return
    try:
        check_tag_pattern(pattern, "protected_tag_patterns")
    except ValueError as error:
        assert "matches no tag" not in str(error)  # noqa: PT017 - what else it may say is not the matter


def test_the_characters_of_a_class_are_those_that_python_matches() -> None:
    for source in [
        r"\d",
        r"\D",
        r"\s",
        r"\S",
        r"\w",
        r"\W",
        r"[a-f_]",
        r"[^a-f]",
        r"[\d.]",
        r"[^\w-]",
        r".",
        r"[^x]",
        "x",
    ]:
        [characters] = PatternAutomaton.of(source).characters
        assert characters == {character for character in TAG_CHARACTERS if re.fullmatch(source, character)}, source


def test_the_tag_characters_are_those_of_the_grammar() -> None:
    assert set(TAG_CHARACTERS) == set(string.ascii_letters + string.digits + "_.-")
    assert pattern_automaton.MAX_TAG_LENGTH == 128
