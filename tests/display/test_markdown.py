"""What others wrote is text in Markdown, for renderers that make links of addresses and mentions of names, too."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.visible import one_line, visible
from airflow_provider_ecr_preview.display.markdown import inert, listed, table, verbatim

# What GitHub's flavour makes links of within text, as its reference and the renderer of Airflow have it.
AUTOLINKS = re.compile(
    r"https?://[-.\w]|www\.[-.\w]|[-.\w+]@[-\w]+\.[-\w]|mailto:\S+@|xmpp:\S+@|(?<!\w)@\w|#\d|\bgh-\d", re.IGNORECASE
)
MARKUP = st.text("ab01. \\`*_{}[]()<>#+-!|~$&;:/@=\n\t\"'^") | st.lists(
    st.sampled_from(
        ["www.", "http://", "a@b.co", "@x", "#1", "1. ", "- ", "&lt;", "<b>", "![a](b)", "``", "\\", "|", "$x$"]
    )
).map("".join)


def texts(markdown: str) -> Iterator[Token]:
    """Yield what is not of the frame that a test has put around a text."""
    frame = {"table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item", "paragraph", "inline"}
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown):
        for inner in token.children or [token]:
            if inner.type.removesuffix("_open").removesuffix("_close") not in frame:
                yield inner


def shown(markdown: str) -> str:
    """Return what a reader sees of text that has to be nothing but text."""
    tokens = list(texts(markdown))
    assert {token.type for token in tokens} <= {"text", "text_special"}, tokens
    text = "".join(token.content for token in tokens)
    assert not AUTOLINKS.search(text), text
    return text.replace("\u200b", "")


@given(MARKUP)
def test_a_sentence_is_read_as_it_was_written(text: str) -> None:
    assert shown(f"- {inert(text)}") == one_line(masked(text))
    cells = table(["Text", "Next"], [[inert(text), "next"]])
    assert shown(cells).removeprefix("TextNext") == f"{one_line(masked(text))}next"


@given(MARKUP)
def test_a_name_is_code_and_is_read_as_it_was_written(text: str) -> None:
    for markdown in (f"- {verbatim(text)}", table(["Name", "Next"], [[verbatim(text), "next"]])):
        code = [token.content for token in texts(markdown) if token.type == "code_inline"]
        if text.strip():
            assert code == [visible(text).replace("|", r"\x7c")]
        assert {token.type for token in texts(markdown)} <= {"code_inline", "text"}


@pytest.mark.parametrize(
    "text",
    [
        "www.example.com/x",
        "WWW.example.com",
        "https://example.com/",
        "ftp://example.com/",
        "mailto:a@b.co",
        "a@b.co",
        "@everyone",
        "&#64;everyone",
        "owner/repository#12",
        "GH-12",
        "![image](https://example.com/x.png)",
        "<img src=x onerror=alert(1)>",
        "<!-- -->",
        "<https://example.com>",
        "[a]: https://example.com",
        "[^1]",
        "- [ ] task",
        "1. one",
        "1) one",
        "# head",
        "> quote",
        "+ plus",
        "---",
        "===",
        "    code",
        "```",
        "~~~",
        "$math$",
        "&lt;b&gt;",
        "a | b",
        "back\\slash\\",
        "\u202ereversed",
    ],
)
def test_nothing_of_it_is_markup_a_link_or_a_mention(text: str) -> None:
    assert shown(f"- {inert(text)}") == one_line(text)
    assert shown(f"# Audit {inert(text)}".replace("# Audit ", "Audit ")) == f"Audit {one_line(text)}"


@pytest.mark.parametrize(("text", "markdown"), [("", "(empty)"), ("  ", "(blank)"), ("a", "`a`"), ("`", "`` ` ``")])
def test_a_name_is_there_also_when_it_is_empty(text: str, markdown: str) -> None:
    assert verbatim(text) == markdown


def test_a_list_says_how_much_it_leaves_out() -> None:
    assert listed(["a"], 3) == "- a\n- and 2 more"
