"""The layout of the folder for reports: each table has one root, and its partitions are found by name.

::

    repositories/csv/registry_id=<12 digits>/region_name=<Region>/audit_date=<date>/<part of an audit>.csv
    repositories/parquet/...                                                        the same rows
    images/registry_id=/region_name=/audit_date=/audit=<audit>/repository_name=<name>/images.jsonl.gz
    kept_images/...                                                                 the images that stay, each with why
    audits/audit_date=<date>/<audit>.md                                             for a person
    owners/audit_date=<date>/<audit>/<owner>.md                                     for each owner; owners.json lists all
    outcomes/<audit>/<part>/                                                        what a retry takes up
    manifests/registry_id=/region_name=/repository_name=<name>/manifests.jsonl.gz   what images refer to; those of the last audit
    trend/<DAG, task and policies>.jsonl                                            a line for each audit of a series
    policies/<fingerprint>.json                                                     each policy that was previewed, once
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from urllib.parse import quote, unquote

UNKNOWN = "__HIVE_DEFAULT_PARTITION__"
"""The value for NULL in the path of a partition, for Hive, Athena and DuckDB alike."""


TABLES = "repositories"


IMAGES = "images"


KEPT_IMAGES = "kept_images"


AUDITS = "audits"


OUTCOMES = "outcomes"


OWNERS = "owners"


TREND = "trend"


POLICIES = "policies"


MANIFESTS = "manifests"


IMAGE_LIST = "images.jsonl.gz"


_MAX_NAME_CHARACTERS = 200
"""A name of a folder has at most 255 bytes on most file systems, and this is one part of it."""


_OF_AN_AUDIT = re.compile(rf"/{IMAGES}(/registry_id=[^/]+/region_name=[^/]+/audit_date=[^/]+/audit=[^/]+/[^/]+/[^/]+)$")


_SITE = re.compile(r"/registry_id=([^/]+)/region_name=([^/]+)/")


_AUDIT_DATE = re.compile(r"audit_date=([0-9]{4}-[0-9]{2}-[0-9]{2})")


_DAY = rf"registry_id=(?:[0-9]{{12}}|{UNKNOWN})/region_name=(?:[a-z0-9-]+|{UNKNOWN})/(audit_date=[^/]+)"


_SLUG = r"[A-Za-z0-9._-]+-[0-9a-f]{8}"


_CUT = re.compile(rf"repository_name=[^~]{{{_MAX_NAME_CHARACTERS}}}~[0-9a-f]{{16}}")


_UNFINISHED = r"\.[0-9a-f]{32}\.part"


_FILE_OF_A_TABLE = re.compile(rf"{TABLES}/(csv|parquet)/{_DAY}/(?:{_SLUG}\.\1|{_UNFINISHED})")


_FILE_OF_A_REPOSITORY = re.compile(
    rf"(?:{IMAGES}|{KEPT_IMAGES})/{_DAY}/audit={_SLUG}/(repository_name=[^/]+)/(?:{re.escape(IMAGE_LIST)}|{_UNFINISHED})"
)


_FILE_FOR_A_PERSON = re.compile(rf"{AUDITS}/(audit_date=[^/]+)/(?:{_SLUG}\.md|{_UNFINISHED})")


_FILE_OF_AN_OWNER = re.compile(
    rf"{OWNERS}/(audit_date=[^/]+)/{_SLUG}/(?:{_SLUG}\.md|(?:untagged|not-known)\.md|owners\.json|{_UNFINISHED})"
)


def partition(registry_id: str | None, region_name: str | None, audit_date: date) -> str:
    """Return the folder of the rows of one registry and Region of one day.

    :param registry_id: the registry (account); None if it never became known.
    :param region_name: the Region; None if it never became known.
    :param audit_date: the day of the audit in UTC.
    """
    return (
        f"registry_id={_escaped(registry_id)}/region_name={_escaped(region_name)}/audit_date={audit_date.isoformat()}"
    )


def repository_folder(repository_name: str) -> str:
    """Return the name of the folder of a repository, whatever characters its name has.

    A name so long that a file system would refuse it is cut and ended by a hash, with ``~`` before, which no repository
    has in its name.

    :param repository_name: the repository.
    """
    name = _escaped(repository_name)
    if len(name) > _MAX_NAME_CHARACTERS:
        name = f"{name[:_MAX_NAME_CHARACTERS]}~{hashlib.sha256(repository_name.encode()).hexdigest()[:16]}"
    return f"repository_name={name}"


def repository_of(folder: str) -> str | None:
    """Return the repository that :func:`repository_folder` named a folder after, or None if its name was cut.

    :param folder: name of the folder.
    """
    name = folder.removeprefix("repository_name=")
    return None if "~" in name else unquote(name)


def image_list_path(
    registry_id: str | None, region_name: str | None, audit_date: date, audit_slug: str, repository_name: str
) -> str:
    """Return the file of the affected images of one repository.

    :param registry_id: the registry (account); None if it never became known.
    :param region_name: the Region; None if it never became known.
    :param audit_date: the day of the audit in UTC.
    :param audit_slug: the id of the audit as part of a path.
    :param repository_name: the repository.
    """
    day = partition(registry_id, region_name, audit_date)
    return f"{IMAGES}/{day}/audit={audit_slug}/{repository_folder(repository_name)}/{IMAGE_LIST}"


def kept_list_uri(images_uri: str) -> str:
    """Return where the list of the images that stay belongs: in a table of its own, or next to the one file.

    :param images_uri: where the list of the affected images is.
    """
    if of_an_audit := _OF_AN_AUDIT.search(images_uri):
        return f"{reports_folder_of(images_uri)}/{KEPT_IMAGES}{of_an_audit[1]}"
    return f"{images_uri.removesuffix('.jsonl.gz')}.kept.jsonl.gz"


def reports_folder_of(images_uri: str) -> str | None:
    """Return the folder for reports that a list of images is in, or None if no audit wrote it.

    :param images_uri: where the list of the affected images is.
    """
    of_an_audit = _OF_AN_AUDIT.search(images_uri)
    return images_uri[: of_an_audit.start()] if of_an_audit else None


def audit_date_of(folder: str) -> date | None:
    """Return the day in the name of a folder, or None if it is not the folder of a day.

    :param folder: name of the folder.
    """
    day = _AUDIT_DATE.fullmatch(folder)
    try:
        return date.fromisoformat(day[1]) if day else None
    except ValueError:
        return None


def report_day(path: str) -> date | None:
    """Return the day of a report, or None if an audit does not write such a file.

    :param path: where the file is, relative to the folder for reports, with ``/`` between its parts.
    """
    if table := _FILE_OF_A_TABLE.fullmatch(path):
        return audit_date_of(table[2])
    if images := _FILE_OF_A_REPOSITORY.fullmatch(path):
        return audit_date_of(images[1]) if _is_repository_folder(images[2]) else None
    page = _FILE_FOR_A_PERSON.fullmatch(path) or _FILE_OF_AN_OWNER.fullmatch(path)
    return audit_date_of(page[1]) if page else None


def site_of(uri: str) -> tuple[str | None, str | None]:
    """Return the registry and the Region of the partition that a file is in; None for the parts that are unknown.

    :param uri: the file.
    """
    # The folder for reports may itself lie in such a partition.
    *_, site = ((UNKNOWN, UNKNOWN), *_SITE.findall(uri))
    registry_id, region_name = map(unquote, site)
    return (None if registry_id == UNKNOWN else registry_id), (None if region_name == UNKNOWN else region_name)


def _is_repository_folder(folder: str) -> bool:
    name = repository_of(folder)
    return repository_folder(name) == folder if name else _CUT.fullmatch(folder) is not None


def _escaped(value: str | None) -> str:
    # A value of dots alone would lead elsewhere, and ~ is the mark of a name that was cut.
    if value is None:
        return UNKNOWN
    escaped = quote(value, safe="").replace("~", "%7E")
    return escaped if escaped.strip(".") else escaped.replace(".", "%2E")
