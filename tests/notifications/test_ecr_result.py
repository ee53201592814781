"""The message about a result is one that a person would send, and text from outside in it is text."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import BaseNotifier

from airflow_provider_ecr_preview.display.notification import MAX_CHARACTERS, Message, message_about
from airflow_provider_ecr_preview.notifications.ecr_result import EcrResultNotifier

FROZEN = Path(__file__).parents[1] / "frozen" / "0.1.0"
TASK = "weekly.audit, run manual"


def frozen(name: str) -> Any:
    return json.loads((FROZEN / f"{name}.json").read_text())


class ChatNotifier(BaseNotifier):
    """A notifier as that of Slack: it takes a text and a channel, which it renders."""

    template_fields = ("text", "channel")

    def __init__(self, channel: str, text: str = "This message has a default.") -> None:
        super().__init__()
        self.channel, self.text = channel, text
        self.sent: list[tuple[str, str]] = []

    def notify(self, context: Any) -> None:
        del context
        self.sent.append((self.channel, self.text))

    async def async_notify(self, context: Any) -> None:
        self.notify(context)


class NoTextNotifier(BaseNotifier):
    """A notifier that has no field for a message."""


def context(result: Any, **more: Any) -> Any:
    def xcom_pull(*, task_ids: str, key: str, map_indexes: int | None = None) -> Any:
        assert key == "return_value"
        assert task_ids == "other" or map_indexes == -1
        if isinstance(result, Exception):
            raise result
        return result

    ti = SimpleNamespace(
        dag_id="weekly",
        task_id="audit",
        run_id="manual",
        map_index=-1,
        log_url="https://airflow/log",
        xcom_pull=xcom_pull,
    )
    return {"ti": ti, "params": {"channel": "#ecr"}, **more}


@pytest.mark.parametrize(
    ("name", "subject", "lines"),
    [
        ("audit", r"audited", ["Audited ", "Findings: "]),
        ("summary_with_list", "would expire", ["payments/api (123456789012, us-east-1): "]),
        ("cleanup_done", "deleted", ["deleted."]),
        ("cleanup_dry_run", "DRY RUN", ["DRY RUN: "]),
        ("cleanup_blocked", "deleted", ["Blocked: "]),
        ("put", "changed", ["changed."]),
        ("put_dry_run", "DRY RUN", ["DRY RUN: "]),
        ("restore", "changed", ["changed."]),
    ],
)
def test_the_message_says_what_was_found_or_changed(name: str, subject: str, lines: list[str]) -> None:
    message = message_about(frozen(name), task=TASK)
    assert subject in message.subject
    assert message.plain.startswith(f"OK: {TASK}\n")
    for line in lines:
        assert line in message.plain
    assert len(message.plain) <= MAX_CHARACTERS
    assert len(message.markdown) <= MAX_CHARACTERS
    assert str(message) == message.plain


@pytest.mark.parametrize(("kind", "done"), [("put", "applied"), ("restore", "restored")])
def test_the_message_tells_a_restored_policy_from_an_applied_one(kind: str, done: str) -> None:
    assert f"\n1 policy {done}." in message_about({**frozen("put"), "kind": kind}, task=TASK).plain


def test_an_alarm_about_a_changed_policy_names_who_changed_it() -> None:
    repository = {"registry_id": "123456789012", "region_name": "eu-west-1", "repository_name": "payments/api"}
    changed = {
        **repository,
        "event_name": "PutLifecyclePolicy",
        "changed_by": "ann",
        "message": "30 images",
        "is_alarm": True,
    }
    watched = {
        "schema": "ecr-lifecycle-policy-watch/1",
        "repository_count": 1,
        "alarm_count": 1,
        "repositories": [changed],
    }
    message = message_about(watched, task=TASK)
    assert "alarms about changed policies: 1" in message.subject
    assert "- payments/api (123456789012, eu-west-1): PutLifecyclePolicy by ann. 30 images" in message.plain


def test_a_failed_task_says_so_with_its_error_and_its_log() -> None:
    message = message_about(
        frozen("audit"), task=TASK, error="Not previewed: 2 of 3", log_url="https://airflow/log?a=b"
    )
    assert message.subject.startswith("FAILED: ECR: ")
    assert message.plain.startswith(f"FAILED: {TASK}\nNot previewed: 2 of 3\n")
    assert "Log: <https://airflow/log?a=b>" in message.markdown


@pytest.mark.parametrize("result", [None, "payments/api", ["a"], {"schema": "other/1"}])
def test_another_result_gives_a_message_about_the_task(result: Any) -> None:
    assert message_about(result, task=TASK).plain == f"OK: {TASK}"


def test_what_it_costs_is_in_the_message_if_it_was_measured() -> None:
    audit = {**frozen("audit"), "storage": {"monthly_cost_usd": 1234.5, "leaving_monthly_cost_usd": 0.001}}
    assert "All images cost $1,234.50 a month, of which less than $0.01 are" in message_about(audit, task=TASK).plain


def test_hostile_text_is_no_markup_no_link_no_mention_and_no_template() -> None:
    hostile = "<!channel> @here [a](https://evil.example) **b** {{ var.value.secret }}\n# title"
    summary = frozen("summary_with_list")
    summary |= {"findings": [{"code": "a", "severity": "critical", "message": hostile, "image_digests": []}]}
    message = message_about(summary, task=TASK, error=hostile)
    for text in (message.plain, message.subject, message.markdown):
        assert "<!channel>" not in text
        assert "@here" not in text
        assert "https://evil" not in text
    assert "](" not in message.markdown
    assert "**b**" not in message.markdown
    assert "<" not in message.html.removeprefix("<pre>").removesuffix("</pre>")
    chat = ChatNotifier(channel="{{ params.channel }}")
    EcrResultNotifier(chat)(context(summary))
    [(channel, text)] = chat.sent
    assert channel == "#ecr"
    assert "{{ var.value.secret }}" in text


def test_a_long_result_ends_with_how_much_is_missing() -> None:
    summary = frozen("summary_with_list")
    summary |= {"findings": [{"severity": "critical", "message": "x" * 900}] * 3, "repository_name": "a" * 256}
    message = message_about(summary, task=TASK * 20, error="y" * 900, log_url="https://airflow/" + "z" * 900)
    assert len(message.plain) <= MAX_CHARACTERS
    assert message.plain.endswith("... and 2 more lines")


def test_the_subject_and_html_reach_an_e_mail() -> None:
    sent: list[Any] = []

    class Mail(SmtpNotifier):
        def notify(self, context: Any) -> None:
            del context
            sent.append(self)

    mail = Mail(to="a@b.example", from_email="c@d.example", subject="mine")
    EcrResultNotifier(mail)(context(frozen("audit")))
    assert "audited" in sent[0].subject
    assert sent[0].html_content.startswith("<pre>OK: weekly.audit")
    assert mail.subject == "mine"  # the notifier of the DAG file stays as it is


def test_a_function_gets_the_message_and_another_task_may_be_named() -> None:
    sent: list[Message] = []
    EcrResultNotifier(sent.append, task_id="other")(context(frozen("put")))
    assert "changed" in sent[0].subject
    assert sent[0].plain.startswith("OK: weekly.other, run manual")


def test_a_result_that_cannot_be_read_still_gives_a_message() -> None:
    sent: list[Message] = []
    EcrResultNotifier(sent.append)(context(RuntimeError("no XCom here"), exception=ValueError("boom")))
    assert sent[0].plain.startswith("FAILED: weekly.audit, run manual\nboom\n")


def test_it_sends_from_a_trigger_too() -> None:
    chat, sent = ChatNotifier(channel="#a"), list[Message]()
    asyncio.run(EcrResultNotifier(chat, style="markdown").async_notify(context(frozen("put"))))
    asyncio.run(EcrResultNotifier(sent.append).async_notify(context(frozen("put"))))
    assert chat.sent[0][1] == sent[0].markdown


def test_a_notifier_without_a_field_for_the_message_is_refused() -> None:
    with pytest.raises(ValueError, match=r"NoTextNotifier has no field .*Set message_field"):
        EcrResultNotifier(NoTextNotifier())
    with pytest.raises(ValueError, match="to is 'slack'"):
        EcrResultNotifier("slack")  # type: ignore[arg-type]  # the fault
    with pytest.raises(ValueError, match=r"style is 'loud'. Use 'plain' or 'markdown'".replace(".", r"\.")):
        EcrResultNotifier(print, style="loud")  # type: ignore[arg-type]  # the fault
