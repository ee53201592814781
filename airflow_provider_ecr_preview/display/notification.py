"""What a task found or changed, as a message short enough for a chat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import Any

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.visible import one_line, visible
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA
from airflow_provider_ecr_preview.core.xcom.cleanup import CLEANUP_SCHEMA
from airflow_provider_ecr_preview.core.xcom.preview import SUMMARY_SCHEMA
from airflow_provider_ecr_preview.core.xcom.rollout import POLICY_CHANGE_SCHEMA
from airflow_provider_ecr_preview.core.xcom.watch import POLICY_WATCH_SCHEMA
from airflow_provider_ecr_preview.display.markdown import inert, unlinked, verbatim
from airflow_provider_ecr_preview.display.money import dollars
from airflow_provider_ecr_preview.display.text import human_bytes

MAX_CHARACTERS = 2_000
"""How long a message is at most: the limit of Discord, the lowest of the chats that Airflow has notifiers for."""


_SHOWN = 3


_SENTENCE_CHARACTERS = 300


@dataclass(frozen=True)
class Message:
    """A message about the result of a task.

    :param subject: one line, for an e-mail or a title.
    :param markdown: the message as Markdown.
    :param plain: the message as text without markup.
    """

    subject: str
    markdown: str
    plain: str

    @property
    def html(self) -> str:
        """The message as HTML, for an e-mail."""
        return f"<pre>{escape(self.plain)}</pre>"

    def __str__(self) -> str:
        return self.plain


@dataclass(frozen=True)
class _Style:
    """How names and sentences from outside are written, so that they are no markup, link or mention."""

    name: Callable[[str], str]
    sentence: Callable[[str], str]


def _plain(text: str) -> str:
    # A chat reads <!channel> and @here in plain text, too.
    return unlinked(one_line(masked(text))).replace("<", "<\u200b")


_MARKDOWN, _PLAIN = _Style(verbatim, inert), _Style(lambda text: _plain(visible(text)), _plain)


def message_about(result: Any, *, task: str, error: str | None = None, log_url: str | None = None) -> Message:
    """Return the message about the result of a task.

    :param result: the result of one of our operators; anything else, or None, gives a message about the task alone.
    :param task: the task, its DAG and its run, as a person reads it.
    :param error: why the task failed; None if it did not fail.
    :param log_url: the address of the log of the task.
    """
    subject = _subject(result) or ("Failed" if error else "Done")
    texts = []
    for style in (_MARKDOWN, _PLAIN):
        lines = [f"{'FAILED' if error else 'OK'}: {style.name(task)}"]
        if error:
            lines.append(style.sentence(_cut(error)))
        lines += _lines(result, style)
        if log_url:
            lines.append(f"Log: {_plain(log_url) if style is _PLAIN else f'<{log_url}>'}")
        texts.append(_fitting(lines))
    prefix = "FAILED: " if error else ""
    return Message(f"{prefix}ECR: {subject} ({_plain(task)})", *texts)


def _subject(result: Any) -> str | None:
    if not isinstance(result, Mapping) or result.get("schema") not in _SUBJECTS:
        return None
    return _SUBJECTS[result["schema"]](result)


def _lines(result: Any, style: _Style) -> Iterator[str]:
    if not isinstance(result, Mapping):
        return
    for schema, lines in _LINES.items():
        if result.get("schema") == schema:
            yield from lines(result, style)


def _of_summary(summary: Mapping[str, Any], style: _Style) -> Iterator[str]:
    total = summary["total_image_count"]
    of = f" of {total:,}" if total is not None else ""
    yield f"{_repository(summary, style)}: {_leaving(summary)}{of}, {_size(summary)}."
    for finding in _first(summary["findings"], _SHOWN):
        yield f"- {finding['severity']}: {style.sentence(_cut(finding['message']))}"


def _of_audit(audit: Mapping[str, Any], style: _Style) -> Iterator[str]:
    yield (
        f"Audited {counted(audit['repository_count'], 'repository', 'repositories')}: {_leaving(audit)} in "
        f"{counted(audit['affected_repository_count'], 'repository', 'repositories')}, {_size(audit)}."
    )
    if audit["missing_part_count"]:
        yield f"Missing: {counted(audit['missing_part_count'], 'part')}. Nothing is known about their repositories."
    if audit["failed_count"]:
        yield f"Not previewed: {counted(audit['failed_count'], 'repository', 'repositories')}."
        for failure in _first(audit["failures"], _SHOWN):
            yield f"- {style.sentence(_cut(failure['message'] or failure['error'] or 'no reason was given'))}"
    yield f"Findings: {audit['critical_finding_count']} critical, {audit['warning_finding_count']} warning."
    critical = [finding for finding in audit["findings"] if finding["severity"] == "critical"]
    for finding in critical[:_SHOWN]:
        where = ", ".join(style.name(repository["repository_name"]) for repository in finding["repositories"][:_SHOWN])
        yield (
            f"- {style.name(finding['code'])} in "
            f"{counted(finding['repository_count'], 'repository', 'repositories')}, such as {where}"
        )
    if storage := audit.get("storage"):
        yield (
            f"All images cost {dollars(storage['monthly_cost_usd'])} a month, of which "
            f"{dollars(storage['leaving_monthly_cost_usd'])} are for images that would expire."
        )
    if (changes := audit["changes"]) is not None:
        yield (
            f"Since the last audit: {counted(changes['newly_affected_image_count'], 'image')} newly affected, "
            f"{counted(changes['alarm_count'], 'alarm')}."
        )
        for changed in _first(changes["alarms"], _SHOWN):
            yield f"- {_repository(changed, style)}: {style.sentence(_cut(str(changed['alarm'])))}"
    if audit["report_uri"]:
        yield f"Report: {style.name(masked(audit['report_uri']))}"


def _troubles(result: Mapping[str, Any], style: _Style) -> Iterator[str]:
    yield from _blocks(result, style)
    for repository in _first((part for part in result["repositories"] if part["error"]), _SHOWN):
        yield f"- {_repository(repository, style)}: {style.sentence(_cut(str(repository['message'])))}"


def _of_cleanup(result: Mapping[str, Any], style: _Style) -> Iterator[str]:
    yield f"{_cleaned(result)}."
    if result["failed_image_count"]:
        yield f"Failed: {counted(result['failed_image_count'], 'image')}."
    if result["spared_image_count"]:
        yield f"Spared: {counted(result['spared_image_count'], 'image')}."
    yield from _troubles(result, style)
    if result["results_uri"]:
        yield f"Each image: {style.name(masked(result['results_uri']))}"


def _of_policy_change(result: Mapping[str, Any], style: _Style) -> Iterator[str]:
    yield f"{_changed(result)}."
    yield from _troubles(result, style)
    if result["former_policies_uri"]:
        yield f"Former policies: {style.name(masked(result['former_policies_uri']))}"


def _of_watch(result: Mapping[str, Any], style: _Style) -> Iterator[str]:
    yield f"Changed policies: {result['repository_count']}; alarms: {result['alarm_count']}."
    for repository in _first((part for part in result["repositories"] if part["is_alarm"]), _SHOWN):
        yield (
            f"- {_repository(repository, style)}: {style.name(repository['event_name'])} by "
            f"{style.name(repository['changed_by'])}. {style.sentence(_cut(repository['message']))}"
        )


_LINES: Mapping[str, Callable[[Mapping[str, Any], _Style], Iterator[str]]] = {
    SUMMARY_SCHEMA: _of_summary,
    AUDIT_SCHEMA: _of_audit,
    CLEANUP_SCHEMA: _of_cleanup,
    POLICY_CHANGE_SCHEMA: _of_policy_change,
    POLICY_WATCH_SCHEMA: _of_watch,
}


def _blocks(result: Mapping[str, Any], style: _Style) -> Iterator[str]:
    blocked = result["statuses"].get("blocked", 0)
    if blocked:
        yield f"Blocked: {counted(blocked, 'repository', 'repositories')}."
    checks = [("the whole run", check) for check in result["checks"]]
    for repository in result["repositories"]:
        checks += [(_repository(repository, style), check) for check in repository["checks"]]
    blocking = ((where, check) for where, check in checks if check["verdict"] in ("blocked", "unknown"))
    for where, check in islice(blocking, _SHOWN):
        yield f"- {where}: {style.name(check['code'])}: {style.sentence(_cut(check['message']))}"


def _leaving(result: Mapping[str, Any]) -> str:
    text = f"{counted(result['expiring_image_count'], 'image')} would expire"
    archiving = result["archiving_image_count"]
    return f"{text} and {counted(archiving, 'image')} would be archived" if archiving else text


def _size(result: Mapping[str, Any]) -> str:
    size = result["expiring_bytes_upper_bound"]
    return "of unknown size" if size is None else f"at most {human_bytes(size)}"


def _cleaned(result: Mapping[str, Any]) -> str:
    done = {"delete": "deleted", "archive": "archived"}.get(result["action"], "touched")
    images = counted(result["touched_image_count"], "image")
    return f"DRY RUN: {images} would be {done}" if result["dry_run"] else f"{images} {done}"


def _changed(result: Mapping[str, Any]) -> str:
    # Results of older releases do not say which of the two they are.
    done = {"put": "applied", "restore": "restored"}.get(result.get("kind", ""), "changed")
    if result["dry_run"]:
        policies = counted(result["statuses"].get("planned", 0), "policy", "policies")
        return f"DRY RUN: {policies} would be {done}"
    return f"{counted(result['changed_repository_count'], 'policy', 'policies')} {done}"


_SUBJECTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    SUMMARY_SCHEMA: lambda summary: f"{_plain(summary['repository_name'])}: {_leaving(summary)}",
    AUDIT_SCHEMA: lambda audit: (
        f"{counted(audit['repository_count'], 'repository', 'repositories')} audited, {_leaving(audit)}"
    ),
    CLEANUP_SCHEMA: _cleaned,
    POLICY_CHANGE_SCHEMA: _changed,
    POLICY_WATCH_SCHEMA: lambda result: f"alarms about changed policies: {result['alarm_count']}",
}


def _repository(of: Mapping[str, Any], style: _Style) -> str:
    return f"{style.name(of['repository_name'])} ({of['registry_id']}, {of['region_name']})"


def _first(items: Iterable[Any], count: int) -> list[Any]:
    return list(islice(items, count))


def _cut(text: str) -> str:
    return text if len(text) <= _SENTENCE_CHARACTERS else f"{text[:_SENTENCE_CHARACTERS]}..."


def _fitting(lines: list[str]) -> str:
    """Return as many whole lines as fit."""
    kept: list[str] = []
    for index, line in enumerate(lines):
        more = f"... and {counted(len(lines) - index, 'more line')}"
        if sum(len(text) + 1 for text in [*kept, line, more]) > MAX_CHARACTERS:
            return "\n".join([*kept, more])
        kept.append(line)
    return "\n".join(kept)
