"""Record which DAG wrote a file, where readers of the file do not see it.

A list names its DAG in the file name inside the gzip, a report in a comment at its end.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

HEAD_BYTES = 4096
"""More bytes than the gzip header of any list that this package writes."""


# RFC 1952: the magic bytes, the flags, and the name, which comes first if there is no extra field.
_GZIP = b"\x1f\x8b\x08"


_FLAGS_AT, _NAME_AT = 3, 10


_HAS_EXTRA, _HAS_NAME = 4, 8


_NAME = re.compile(rb"dag_id=([A-Za-z0-9_.~%-]+)\.jsonl\0")


def name_within(dag_id: str | None) -> str:
    """Return the file name for the gzip header of a list.

    :param dag_id: the DAG that writes it; None for a list without an owner.
    """
    return "" if dag_id is None else f"dag_id={quote(dag_id, safe='')}.jsonl"


def dag_id_of(head: bytes) -> str | None:
    """Return the DAG that wrote a list, or None if the header does not name one.

    :param head: its first bytes, as stored.
    """
    has_name = (
        head.startswith(_GZIP) and len(head) > _NAME_AT and head[_FLAGS_AT] & (_HAS_NAME | _HAS_EXTRA) == _HAS_NAME
    )
    name = _NAME.match(head, _NAME_AT) if has_name else None
    return unquote(name[1].decode("ascii")) if name else None


_COMMENT = re.compile(r"<!-- dag_id=([A-Za-z0-9_.~%-]+) -->\s*\Z")


def owner_comment(dag_id: str) -> str:
    """Return the last line of a report.

    :param dag_id: the DAG that writes it.
    """
    return f"<!-- dag_id={quote(dag_id, safe='')} -->"


def dag_id_of_report(text: str) -> str | None:
    """Return the DAG that wrote a report, or None if the report does not name one.

    :param text: the report.
    """
    comment = _COMMENT.search(text)
    return unquote(comment[1]) if comment else None
