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

from airflow_provider_ecr_preview.display.notification import Message, message_about
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
