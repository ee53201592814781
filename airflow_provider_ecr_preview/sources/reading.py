"""Read a source completely, and report everything in it that cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.core.in_use.images import MAX_NAMED_REFERENCES, ImagesInUse, ImageUser, UnreadSource
from airflow_provider_ecr_preview.core.in_use.reference import (
    ImageReference,
    UnreadReferenceError,
    parse_references,
    shown_reference,
)
from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.tracebacks import defuse
from airflow_provider_ecr_preview.core.text.visible import one_line, visible
from airflow_provider_ecr_preview.sources.found import FoundReference, UnknownImage

log = logging.getLogger(__name__)


MAX_REASON_CHARACTERS = 300


_MAX_LOGGED_REFERENCES = 100


_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})


@dataclass(frozen=True, slots=True)
class SourceLabel:
    """Identifies a source, with its connection, account and Region.

    :param source: name of the source.
    :param aws_conn_id: the connection; None if the source is not in AWS.
    :param account_id: the account of the connection; None if unknown.
    :param region_name: the Region; None if the source is not in AWS.
    :param iam_actions: the IAM actions that the source needs.
    """

    source: str
    aws_conn_id: str | None = None
    account_id: str | None = None
    region_name: str | None = None
    iam_actions: Sequence[str] = ()

    def __str__(self) -> str:
        where = ", ".join(filter(None, (self.account_id, self.region_name, self.aws_conn_id)))
        return f"{self.source} ({where})" if where else self.source


def read_source(
    in_use: ImagesInUse,
    label: SourceLabel,
    source: Callable[[], Iterable[FoundReference | UnknownImage]],
    ignored_references: Sequence[str] = (),
) -> None:
    """Count all images that a source names as in use. The source counts as read if nothing is left unread.

    An unreadable reference does not stop the others from being read.

    :param in_use: collects the images.
    :param label: identifies the source.
    :param source: returns the references that it names.
    :param ignored_references: globs of unreadable references to ignore, or of the names of resources whose image is
        unknown.
    """
    count = 0
    unread: list[str] = []
    why = ""
    try:
        for found in source():
            references = _references(found)
            if references is None and not _is_ignored(found, ignored_references):
                unread.append(_named(found))
            for reference in references or ():
                in_use.add(reference, ImageUser(found.kind, found.name))
            count += bool(references)
    except Exception as error:  # whatever it is, the images of this source are unknown
        defuse(error)
        log.warning("%s cannot be read.", label, exc_info=True)
        why = reason_of(error, label.iam_actions)
    if why or unread:
        in_use.unread.append(_unread(label, why, unread))
        return
    log.info("%s: %d references to images of ECR.", label, count)
    in_use.sources.append(
        {
            "source": label.source,
            "aws_conn_id": label.aws_conn_id,
            "account_id": label.account_id,
            "region_name": label.region_name,
            "reference_count": count,
        }
    )


def reason_of(error: Exception, iam_actions: Sequence[str] = ()) -> str:
    """Return why something cannot be read, with the missing IAM action if that is the reason.

    :param error: the error.
    :param iam_actions: IAM actions that may be missing.
    """
    if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in _DENIED:
        named = [action for action in iam_actions if action.partition(":")[2] == error.operation_name]
        action = named[0] if named else error.operation_name
        message = error.response["Error"].get("Message", "")
        reason = f"the caller may not {action}. Allow it in IAM. AWS says: {message}"
    else:
        reason = f"{type(error).__name__}: {error}"
    return masked(one_line(reason))[:MAX_REASON_CHARACTERS]


def _unread(label: SourceLabel, why: str, unread: Sequence[str]) -> UnreadSource:
    parts = [why] if why else []
    if unread:
        log.warning(
            "%s: %d references cannot be read: %s", label, len(unread), "; ".join(unread[:_MAX_LOGGED_REFERENCES])
        )
        more = f" and {len(unread) - MAX_NAMED_REFERENCES} more" if len(unread) > MAX_NAMED_REFERENCES else ""
        parts.append(
            f"{len(unread)} {'reference' if len(unread) == 1 else 'references'} cannot be read: "
            f"{'; '.join(unread[:MAX_NAMED_REFERENCES])}{more}. Fix the references, or list them in "
            "ignored_references."
        )
    return UnreadSource(
        source=label.source,
        aws_conn_id=label.aws_conn_id,
        region_name=label.region_name,
        reason=" ".join(parts),
        account_id=label.account_id,
        references=tuple(unread[:MAX_NAMED_REFERENCES]),
        reference_count=len(unread),
    )


def _references(found: FoundReference | UnknownImage) -> Sequence[ImageReference] | None:
    """Return the ECR images that a reference names, or None if they are unknown."""
    if isinstance(found, UnknownImage):
        return None
    try:
        return parse_references(found.reference, found.image_digest)
    except (UnreadReferenceError, AttributeError, TypeError):
        return None


def _named(found: FoundReference | UnknownImage) -> str:
    if isinstance(found, UnknownImage):
        return visible(f"{found.kind} {found.name}: {found.why}")
    reference = shown_reference(found.reference) if isinstance(found.reference, str) else found.reference
    return visible(f"{reference!r} of {found.kind} {found.name}")


def _is_ignored(found: FoundReference | UnknownImage, globs: Sequence[str]) -> bool:
    name = found.name if isinstance(found, UnknownImage) else found.reference
    return isinstance(name, str) and any(fnmatchcase(name.strip(), glob) for glob in globs)
