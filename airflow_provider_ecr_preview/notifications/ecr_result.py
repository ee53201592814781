"""The notifier that sends what a task found or changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow.sdk import BaseNotifier

from airflow_provider_ecr_preview.core.parameters.values import choice
from airflow_provider_ecr_preview.display.notification import Message, message_about

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["EcrResultNotifier", "Message", "MessageStyle"]


MessageStyle = Literal["plain", "markdown"]


_MESSAGE_FIELDS = ("text", "html_content", "message", "content", "body")
"""The names under which Airflow's notifiers take the message: Slack, SMTP, Amazon SNS, others."""


_SUBJECT_FIELDS = ("subject", "title")


class EcrResultNotifier(BaseNotifier):
    """Send what a task found or changed by another notifier: what would expire, findings, cost, what was deleted or failed.

    Use it as a callback of a task of this package. A task that fails pushes its result before, so the message has it as well.
    The message has at most 2,000 characters, and text from outside in it is no markup, no link and no mention.

    .. code-block:: python

        from airflow.providers.slack.notifications.slack import SlackNotifier

        notify = EcrResultNotifier(SlackNotifier(channel="#ecr"))
        EcrMergeLifecycleAuditsOperator(
            task_id="merge", audits=audits.output, on_success_callback=notify, on_failure_callback=notify
        )

    :param to: the notifier that sends the message, or a function that takes the
        :class:`~airflow_provider_ecr_preview.display.notification.Message`.
    :param message_field: the field of the notifier that gets the message; None for the first of ``text``, ``html_content``,
        ``message``, ``content`` and ``body`` that it has.
    :param style: ``plain`` or ``markdown``; ``html_content`` always gets HTML.
    :param task_id: the task of the same run whose result is sent; None for the task of the callback. (templated)
    :raises ValueError: if the notifier has no field for a message.
    """

    template_fields: Sequence[str] = ("task_id",)

    def __init__(
        self,
        to: BaseNotifier | Callable[[Message], object],
        *,
        message_field: str | None = None,
        style: MessageStyle = "plain",
        task_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(to, BaseNotifier) and not callable(to):
            raise ValueError(f"to is {to!r}. Use a notifier, such as SlackNotifier(...), or a function.")  # noqa: TRY004
        self.to = to
        self.style: MessageStyle = choice(style, "style", get_args(MessageStyle), "plain")
        self.task_id = task_id
        self.message_field = message_field
        if isinstance(to, BaseNotifier):
            self.message_field = message_field or next((name for name in _MESSAGE_FIELDS if hasattr(to, name)), None)
            if self.message_field is None or not hasattr(to, self.message_field):
                raise ValueError(
                    f"{type(to).__name__} has no field {message_field or 'for a message that is known here'}. Set "
                    "message_field to the name of its field, or give a function in place of the notifier."
                )

    def notify(self, context: Context) -> None:
        """Send the message.

        :param context: the context of the callback.
        """
        message = self.message(context)
        if isinstance(self.to, BaseNotifier):
            self._filled(self.to, message, context).notify(context)
        else:
            self.to(message)

    async def async_notify(self, context: Context) -> None:
        """Send the message from a trigger or a deadline.

        :param context: the context of the callback.
        """
        message = await asyncio.to_thread(self.message, context)
        if isinstance(self.to, BaseNotifier):
            await self._filled(self.to, message, context).async_notify(context)
        else:
            await asyncio.to_thread(self.to, message)

    def message(self, context: Context) -> Message:
        """Return the message about the task of a callback.

        :param context: the context of the callback.
        """
        ti: Any = context["ti"]
        task_id = self.task_id or ti.task_id
        try:
            own = {} if self.task_id else {"map_indexes": ti.map_index}
            result = ti.xcom_pull(task_ids=task_id, key="return_value", **own)
        except Exception:  # a callback of a killed task runs where XCom cannot be read
            self.log.warning("The result of the task %s cannot be read here.", task_id, exc_info=True)
            result = None
        error = context.get("exception")
        return message_about(
            result,
            task=f"{ti.dag_id}.{task_id}, run {ti.run_id}",
            error=None if error is None else str(error) or type(error).__name__,
            log_url=getattr(ti, "log_url", None),
        )

    def _filled(self, notifier: BaseNotifier, message: Message, context: Context) -> BaseNotifier:
        """Return the notifier with the message; its own templates are rendered, and the message is not."""
        filled = copy(notifier)
        filled.render_template_fields(context)
        field = str(self.message_field)
        text = message.html if field == "html_content" else getattr(message, self.style)
        setattr(filled, field, text)
        for name in _SUBJECT_FIELDS:
            if hasattr(filled, name):
                setattr(filled, name, message.subject)
        return filled
