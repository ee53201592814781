from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from airflow_provider_ecr_preview.core.audit.changes import Alarms, compare_with_baselines
from airflow_provider_ecr_preview.display.audit import audit_table
from airflow_provider_ecr_preview.display.audit_report import audit_markdown
from airflow_provider_ecr_preview.display.text import render
from tests.core.audit.test_changes import SITE, before, compare, outcome
from tests.core.audit.test_summary import audit, audited, failed, without_policy
from tests.display.test_markdown import AUTOLINKS
from tests.support.builders import REGION, REGISTRY_ID, previewed


def test_the_headline_says_what_would_go_and_that_nothing_went() -> None:
    text = audit_markdown(audit(audited("a", expiring=2), without_policy("b")).as_dict())
    assert text.startswith("# ECR lifecycle audit weekly 1\n")
    assert "2026-11-23 12:00 UTC. Nothing was deleted" in text
    assert "- 2 repositories: 1 previewed, 1 without a policy, 0 failed" in text
    assert "- 2 of 3 images would expire, 0 would be archived" in text
    assert "- at most 20 B would be freed (layers are shared)" in text


def test_what_is_not_known_is_said_not_to_be() -> None:
    text = audit_markdown(audit(audited("a", enriched=False)).as_dict())
    assert "- 1 images would expire" in text
    assert "at most 0 B would be freed, plus the unknown sizes of 1 repository" in text
    assert "| unknown | unknown |" in text


def test_missing_parts_are_said_to_be_missing() -> None:
    assert "**2 parts are missing from the audit**" in audit_markdown(audit(missing=2).as_dict())


def test_findings_and_the_repositories_of_which_most_would_go_are_tables() -> None:
    text = audit_markdown(audit(audited("small"), audited("big", expiring=3, findings=["dead_rule"])).as_dict())
    assert f"| warning | `dead_rule` | 1 | `big` ({REGISTRY_ID}, {REGION}) |" in text
    assert text.index("| `big` ") < text.index("| `small` ")
    assert "|\n\n|" not in text


def test_repositories_of_which_nothing_would_go_are_not_listed() -> None:
    assert "Most affected" not in audit_markdown(audit(audited("a", expiring=0)).as_dict())


def test_a_list_that_is_cut_says_how_many_more_there_are() -> None:
    value = audit(
        *(audited(f"a{number}") for number in range(4)),
        *(without_policy(f"b{number}") for number in range(5)),
        *(failed(f"c{number}") for number in range(6)),
    ).as_dict()
    text = audit_markdown(value, rows=2)
    assert "\nand 2 more\n" in text
    assert "- and 3 more" in text
    assert "- and 4 more" in text
    assert "more" not in audit_markdown(value, rows=10)


def test_the_text_names_changes_and_alarms() -> None:
    changes = compare([outcome("a", *(previewed(number) for number in range(3)))], before("a"), alarms=Alarms(count=1))
    text = audit_markdown(audit(audited("a")).as_dict(changes=changes))
    assert "- 3 images newly affected, 0 no longer affected" in text
    assert "- **alarm** `a` " in text


@pytest.mark.parametrize(
    ("noted", "line"), [(True, "- This is the first audit"), (False, "- There is no earlier audit")]
)
def test_the_first_audit_has_no_changes(noted: bool, line: str) -> None:
    changes = compare_with_baselines([outcome("a", previewed(1))], {SITE: None}, {}.get, Alarms(), whole=True)
    if not noted:
        changes["notes"] = []
    text = audit_markdown(audit(audited("a")).as_dict(changes=changes))
    assert line in text
    assert "newly affected" not in text
    table = render(audit_table(audit(audited("a")).as_dict(changes=changes)))
    assert "newly affected" not in table
    assert table.count("This is the first audit") == noted


@pytest.mark.parametrize(
    "markup", ["[x](http://example.com)", "<b>x</b>", "a | b", "**bold** `code`", "@x", "www.example.com/x"]
)
def test_what_others_wrote_is_never_markup(markup: str) -> None:
    name, message = f"team/{markup}", f"Not allowed: {markup}"
    text = audit_markdown(
        audit(audited(name), without_policy(f"b{name}"), failed(f"c{name}", "Error", message)).as_dict()
    )
    tokens = [child for token in MarkdownIt("commonmark").enable("table").parse(text) for child in token.children or ()]
    assert {token.type for token in tokens} <= {"text", "text_special", "code_inline", "strong_open", "strong_close"}
    assert not [token for token in tokens if token.type != "code_inline" and AUTOLINKS.search(token.content)]
    shown = "".join(token.content for token in tokens).replace("\u200b", "")
    assert shown.count(markup.replace("|", r"\x7c")) + shown.count(message) >= 4


def test_a_line_break_in_what_others_wrote_makes_no_line() -> None:
    text = audit_markdown(audit(failed("a\n# b", "Error", "line\n\n# break")).as_dict())
    assert r"- `a\n# b` (" in text
    assert "line #\u200b break" in text
