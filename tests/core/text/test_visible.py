"""What others wrote is shown on one line, every character of it to be seen, and no secret of an address in it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.text.secrets import masked, password_of, refuse_secrets
from airflow_provider_ecr_preview.core.text.tracebacks import defuse
from airflow_provider_ecr_preview.core.text.visible import one_line, visible, visible_list

TEXTS = st.text(st.characters(exclude_categories=())) | st.text("a \n\r\t\x1b\u202e\u200b\u2028\ufe0f\ud800|`<")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("team/api:v1.2", "team/api:v1.2"),
        ("héllo 日本 😀", "héllo 日本 😀"),
        ("हिन्दी", "हिन्दी"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("two\nlines", r"two\nlines"),
        ("over\rwritten", r"over\rwritten"),
        ("a\tb", r"a\tb"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\u2066a\u2069", r"\u2066a\u2069"),
        ("ze\u200bro", r"ze\u200bro"),
        ("soft\xadhyphen", r"soft\xadhyphen"),
        ("no\xa0break", r"no\xa0break"),
        ("\ufeff", r"\ufeff"),
        ("\x00\x7f\x85", r"\x00\x7f\x85"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\u3164\u2800\u034f", r"\u3164\u2800\u034f"),
        ("\ufe0f\U000e0100\U000e0041", r"\ufe0f\U000e0100\U000e0041"),
        ("\ud800", r"\ud800"),
        ("\ue000\uffff", r"\ue000\uffff"),
        ("", ""),
    ],
)
def test_a_character_that_is_not_shown_as_itself_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(TEXTS)
def test_nothing_that_acts_upon_a_terminal_is_left(text: str) -> None:
    for shown in (visible(text), one_line(text), *visible_list(text).split("\n")):
        assert not [character for character in shown if unicodedata.category(character)[0] == "C"]
        assert not [character for character in shown if unicodedata.category(character) in ("Zl", "Zp")]
        shown.encode()
        assert visible(shown) == shown


def test_a_sentence_has_blanks_in_place_of_its_line_breaks() -> None:
    assert one_line(" a\n  b\r\n\tc\u2028d ") == "a b c d"


def test_a_list_in_a_message_keeps_its_lines_and_no_other() -> None:
    assert visible_list("Two:\n  - a\n  - b\nERROR c") == "Two:\n  - a\n  - b\\nERROR c"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/x", "https://user:***@host/x"),
        ("https://user:p:a@s@host:80/x", "https://user:***@host:80/x"),
        ("HTTPS://U:P@h", "HTTPS://U:***@h"),
        ("https://user:pa/ss@host/x", "https://user:***@host/x"),
        ("https://user:pa?s#s@host/x", "https://user:***@host/x"),
        ("https://:pass@host", "https://:***@host"),
        ("https://token@host/x", "https://***@host/x"),
        ("s3://key:secret@bucket/x", "s3://key:***@bucket/x"),
        ("(s3://a:b@c and 'ftp://d:e@f')", "(s3://a:***@c and 'ftp://d:***@f')"),
        ("https://h/x?X-Amz-Signature=ab%2B&b=2#c", "https://h/x?X-Amz-Signature=***&b=2#c"),
        ("https://h/x?a=1&X-Amz-Security-Token=abc", "https://h/x?a=1&X-Amz-Security-Token=***"),
        ("https://h/x?sv=1&sig=abc", "https://h/x?sv=1&sig=***"),
        ("https://h/x?access_token=abc", "https://h/x?access_token=***"),
        ("x-amz-security-token:abc, then", "x-amz-security-token:***, then"),
        ("s3://aws_default@bucket/a@b", "s3://aws_default@bucket/a@b"),
        ("http://host:443/a@sha256:b", "http://host:443/a@sha256:b"),
        ("docker://team/api@sha256:b", "docker://team/api@sha256:b"),
        ("https://h/x?page=1", "https://h/x?page=1"),
        ("no address, a token", "no address, a token"),
    ],
)
def test_the_secrets_of_an_address_are_hidden_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(shown) == shown


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("https://u:p@ss@h/", "p@ss"),
        ("https://u:@h", None),
        ("https://u@h", None),
        ("https://h:80/a@b", None),
        (None, None),
    ],
)
def test_the_password_of_an_address_is_what_is_before_its_host(url: str | None, password: str | None) -> None:
    assert password_of(url) == password


def test_a_path_with_a_secret_is_refused_without_showing_it() -> None:
    refuse_secrets("s3://aws_default@bucket/x", "reports_path")
    with pytest.raises(ValueError, match=r"reports_path has a secret in it: s3://key:\*\*\*@bucket/x\.") as raised:
        refuse_secrets("s3://key:secret@bucket/x", "reports_path")
    assert ":secret@" not in str(raised.value)


def test_an_error_is_harmless_with_all_that_caused_it() -> None:
    first, second = ValueError("at https://u:secret@h", 7), RuntimeError("red \x1b[31m\nERROR forged")
    second.__cause__, first.__context__ = first, second  # a circle, as some libraries make
    defuse(second)
    assert (first.args, second.args) == (("at https://u:***@h", 7), (r"red \x1b[31m\nERROR forged",))
