"""The accounts and Regions that must be read to know which images of a repository are in use."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from airflow_provider_ecr_preview.core.parameters.forms import refuse
from airflow_provider_ecr_preview.core.parameters.values import texts

Place = tuple[str, str]
"""An account and a Region."""


RequiredScope = str | int | Iterable[str | int] | None
"""The forms of ``required_scope``, as given or as a template renders them."""


_ACCOUNT_ID = re.compile(r"[0-9]{12}")


_NUMBER_OF_ACCOUNT = re.compile(r"[0-9]{9,12}")


_REGION = re.compile(r"[a-z]{2,}(?:-[a-z0-9]+)+")


_ACCOUNT_ID_LENGTH = 12


@dataclass(frozen=True, slots=True)
class RequiredPlace:
    """One account, in one Region, that must be read.

    :param account_id: the account.
    :param region_name: the Region; None for that of the repository.
    """

    account_id: str
    region_name: str | None = None


def required_scope_of(
    value: Any, parameter: str = "required_scope", *, was_given: bool = False
) -> tuple[RequiredPlace, ...] | None:
    """Return the places that must be read.

    :param value: ``123456789012`` for an account in the Region of the repository, or ``123456789012/eu-central-1``; one
        or several, as a list in any form. None for the account and the Region of the repository itself.
        An empty list for nothing.
    :param parameter: name of the operator's parameter, for messages.
    :param was_given: whether the DAG gives a value, so that None is the result of a template and not the default.
    :return: the places, or None for the default.
    :raises ValueError: if it is anything else.
    """
    if value is None:
        if was_given:
            refuse(value, parameter, f"The DAG's value is not set. Set it, or leave {parameter} out")
        return None
    return tuple(dict.fromkeys(_place(part, parameter) for part in texts(value, parameter, protects=True)))


def missing_places(
    required: Iterable[RequiredPlace] | None, read: Collection[Place], registry_id: str, region_name: str
) -> list[str]:
    """Return the places that should have been read for a repository and were not, as ``account/Region``.

    :param required: the places that must be read; None for the account and the Region of the repository.
    :param read: the accounts and Regions that were read.
    :param registry_id: the registry (account) of the repository.
    :param region_name: its Region.
    """
    wanted = [RequiredPlace(registry_id)] if required is None else required
    places = dict.fromkeys((place.account_id, place.region_name or region_name) for place in wanted)
    return [f"{account_id}/{region}" for account_id, region in places if (account_id, region) not in read]


def _place(part: str, parameter: str) -> RequiredPlace:
    account, _, region_name = part.partition("/")
    # Native rendering turns an account id into a number, without its leading zeros.
    account_id = account.zfill(_ACCOUNT_ID_LENGTH) if _NUMBER_OF_ACCOUNT.fullmatch(part) else account
    if not _ACCOUNT_ID.fullmatch(account_id) or not (_REGION.fullmatch(region_name) or part == account):
        refuse(
            part,
            f"An item of {parameter}",
            "Name accounts that run images of the repository, such as '123456789012' or '123456789012/eu-central-1'",
        )
    return RequiredPlace(account_id, region_name or None)
