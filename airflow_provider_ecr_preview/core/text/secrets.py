"""Hide secrets in addresses before they are shown: passwords before a host, and signatures and tokens in a query."""

from __future__ import annotations

import re

HIDDEN = "***"


_IN_QUERY = (
    "access_?token|api_?key|auth|aws_?access_?key_?id|code|credential|googleaccessid|key|passwd|password|pwd|secret"
    "|security-token|sig|signature|token"
)


_HIDINGS = (
    # A name alone before the host of a web address is a token; elsewhere it is a connection of Airflow.
    (re.compile(r"(?<=\bhttp://)[^\s/?#:@\"'<>]+(?=@)", re.IGNORECASE), HIDDEN),
    (re.compile(r"(?<=\bhttps://)[^\s/?#:@\"'<>]+(?=@)", re.IGNORECASE), HIDDEN),
    # The password may contain characters that should have been quoted, up to the last @ before the path.
    (re.compile(r"(?<=://)([^\s/?#:@\"'<>]*):[^\s/?#\"'<>]*@"), rf"\1:{HIDDEN}@"),
    # Or even a slash, but then the part before it is not a port.
    (re.compile(rf"(?<=://)([^\s/?#:@\"'<>]*):(?!{re.escape(HIDDEN)}@|\d{{1,5}}[/?#])[^\s\"'<>]*@"), rf"\1:{HIDDEN}@"),
    (re.compile(rf"([?&;](?:x-(?:amz|goog)-)?(?:{_IN_QUERY})=)[^&;\s\"'<>#]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(\bx-amz-security-token\s*[:=]\s*)[^\s&;,\"'<>]+", re.IGNORECASE), rf"\1{HIDDEN}"),
)


def masked(text: str) -> str:
    """Return a text in which the secrets of addresses are hidden.

    The name of a connection in ``s3://aws_default@bucket/...`` is no secret, and stays.

    :param text: an address, or a message with some.
    """
    if "://" not in text and "token" not in text.lower():
        return text
    for pattern, hidden in _HIDINGS:
        text = pattern.sub(hidden, text)
    return text


def password_of(url: str | None) -> str | None:
    """Return the password that an address has before its host, or None.

    :param url: the address.
    """
    match = re.search(r"://[^\s/?#:@]*:([^\s/?#]*)@", url or "")
    return match[1] or None if match else None


def refuse_secrets(url: str, parameter: str) -> None:
    """Raise if an address has a secret in it, which would end up in logs, results and reports.

    :param url: the address.
    :param parameter: name of the parameter that has it, for the message.
    :raises ValueError: if so.
    """
    if (shown := masked(url)) != url:
        raise ValueError(
            f"{parameter} has a secret in it: {shown}. Paths are written into logs and results. Keep the secret in a "
            "connection of Airflow, and write its id before the bucket: s3://conn_id@bucket/folder."
        )
