"""The partitions and Regions of AWS, as botocore knows them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from botocore.loaders import Loader

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-eusc": "console.amazonaws-eusc.eu",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""The hosts of the consoles that anyone can reach; those of the isolated partitions are not public."""


_AREA = re.compile(r"-\d+$")


def partition_of(region_name: str) -> str | None:
    """Return the partition of a Region, such as ``aws-cn``, or None if botocore knows none.

    A Region that is newer than the installed botocore belongs to the partition whose Regions have such names.

    :param region_name: the Region.
    """
    for partition in _partitions():
        if region_name in partition["regions"]:
            return str(partition["id"])
    for partition in _partitions():
        if re.match(partition["regionRegex"], region_name):
            return str(partition["id"])
    return None


def console_host(partition: str | None) -> str | None:
    """Return the host of the console of a partition, or None if its console is not public.

    :param partition: the partition.
    """
    return _CONSOLES.get(partition or "")


def is_region(region_name: str) -> bool:
    """Return whether this can be a Region: one that botocore knows, or one with another number, which may be newer.

    :param region_name: the Region.
    """
    regions, areas = _regions_and_areas()
    return region_name in regions or (_AREA.search(region_name) is not None and _AREA.sub("", region_name) in areas)


@cache
def _regions_and_areas() -> tuple[frozenset[str], frozenset[str]]:
    """Return the Regions that botocore knows, and their names without the number."""
    regions = frozenset(name for partition in _partitions() for name in partition["regions"])
    return regions, frozenset(_AREA.sub("", name) for name in regions if _AREA.search(name))


@cache
def _partitions() -> tuple[dict[str, Any], ...]:
    return tuple(Loader().load_data("partitions")["partitions"])
