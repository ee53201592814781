"""The interface of a source: a function that takes a client factory and yields references."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class FoundReference(NamedTuple):
    """An image that a resource names.

    :param reference: the image, as the resource names it.
    :param kind: the kind of resource, for example ``ECS task``.
    :param name: name or ARN of the resource.
    :param image_digest: the digest that the reference was resolved to; None if unknown.
    """

    reference: str
    kind: str
    name: str
    image_digest: str | None = None


class UnknownImage(NamedTuple):
    """A resource that runs an image without naming it. Its source then counts as not read.

    :param why: why the image is unknown.
    :param kind: the kind of resource, for example ``Airflow task``.
    :param name: name or ARN of the resource.
    """

    why: str
    kind: str
    name: str


ClientOf = Callable[[str], Any]
"""Returns the boto3 client of a service."""


InUseSource = Callable[[ClientOf], Iterator[FoundReference | UnknownImage]]


def all_of(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    """Yield the items on all pages of an operation, whether or not botocore has a paginator for it.

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
        # Services differ in the spelling of this key.
        token = {name: page[name] for name in ("nextToken", "NextToken") if page.get(name)}
        if not token:
            return


def knows(client: Any, operation: str, *names: str) -> bool:
    """Return whether the installed botocore knows a part of an answer; what it does not know, it drops silently.

    :param client: the client of the service.
    :param operation: the operation, as AWS names it.
    :param names: the names of the part, from the outside to the inside.
    """
    shape = client.meta.service_model.operation_model(operation).output_shape
    for name in names:
        if name not in shape.members:
            return False
        shape = shape.members[name]
    return True


def in_parts(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the values in lists of a limited size.

    :param values: the values.
    :param size: the maximum size of a list.
    """
    part: list[T] = []
    for value in values:
        part.append(value)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
