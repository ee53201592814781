"""Which DAG wrote a list: the name within its gzip says so, where no reader of its lines sees it."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

HEAD_BYTES = 4096
"""More than the head of a gzip takes that this package wrote."""


# RFC 1952: the beginning, the flags, and the name, which comes first where nothing extra does.
_GZIP = b"\x1f\x8b\x08"


_FLAGS_AT, _NAME_AT = 3, 10


_HAS_EXTRA, _HAS_NAME = 4, 8


_NAME = re.compile(rb"dag_id=([A-Za-z0-9_.~%-]+)\.jsonl\0")


def name_within(dag_id: str | None) -> str:
    """Return the name that a list has within its gzip.

    :param dag_id: the DAG that writes it; None for a list of nobody's.
    """
    return "" if dag_id is None else f"dag_id={quote(dag_id, safe='')}.jsonl"


def dag_id_of(head: bytes) -> str | None:
    """Return the DAG that wrote a list, or None if its name does not say.

    :param head: its first bytes, as it is stored.
    """
    has_name = (
        head.startswith(_GZIP) and len(head) > _NAME_AT and head[_FLAGS_AT] & (_HAS_NAME | _HAS_EXTRA) == _HAS_NAME
    )
    name = _NAME.match(head, _NAME_AT) if has_name else None
    return unquote(name[1].decode("ascii")) if name else None
