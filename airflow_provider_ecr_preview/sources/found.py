"""What a source yields, and how it looks: a function that takes what returns the client of a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class FoundReference(NamedTuple):
    """An image that something names.

    :param reference: the image as it is named.
    :param kind: what names it, for example ``ECS task``.
    :param name: name or ARN of what names it.
    :param image_digest: the digest that the reference was resolved to; None where that is not known.
    """

    reference: str
    kind: str
    name: str
    image_digest: str | None = None


class UnknownImage(NamedTuple):
    """Something that runs an image, without saying which. Its source then counts as not read.

    :param why: why it is not known.
    :param kind: what names it, for example ``Airflow task``.
    :param name: name or ARN of what names it.
    """

    why: str
    kind: str
    name: str


ClientOf = Callable[[str], Any]
"""Returns the boto3 client of a service."""


InUseSource = Callable[[ClientOf], Iterator[FoundReference | UnknownImage]]


def all_of(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    """Yield what all pages of an operation hold, whether botocore knows how to read its pages or not.

    :param client: the client of the service.
    :param operation: the method of the client.
    :param key: the key of the list in each page.
    """
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(key, ())
        return
    call, token = getattr(client, operation), dict[str, Any]()
    while True:
        page = call(**arguments, **token)
        yield from page.get(key, ())
        # Some services write it in one way, and some in the other.
        token = {name: page[name] for name in ("nextToken", "NextToken") if page.get(name)}
        if not token:
            return


def in_parts(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the values in lists of a limited size.

    :param values: the values.
    :param size: the most in a list.
    """
    part: list[T] = []
    for value in values:
        part.append(value)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
