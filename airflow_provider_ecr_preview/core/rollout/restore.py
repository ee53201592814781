"""Find the policies that must be restored after a change, but only those that the result of the change vouches for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy, former_policies_fingerprint, last_of_each

_MAYBE_PUT = frozenset({"changed", "failed", "unknown"})
"""The statuses that earlier releases give a repository whose policy was, or may have been, put."""


_NOT_CHECKED = (
    "The result is of an earlier release and has no room for all repositories: it cannot be checked that the former policies "
    "of the others are those that the task replaced."
)


@dataclass(frozen=True)
class PoliciesToRestore:
    """The policies to restore.

    :param former_policies: the former policy of each repository.
    :param nothing: why nothing is restored, by repository.
    :param warning: a warning about the whole restore; None if there is none.
    """

    former_policies: Sequence[FormerPolicy]
    nothing: Mapping[RepositoryId, str]
    warning: str | None = None


def policies_to_restore(
    result: Mapping[str, Any], stored: Callable[[str], Iterable[FormerPolicy]]
) -> PoliciesToRestore:
    """Return the policies to restore according to the result of a change.

    :param result: the result.
    :param stored: reads the former policies at a URL.
    :raises ValueError: if it does not hold them all, or the stored policies do not match it.
    """
    if result["dry_run"]:
        return PoliciesToRestore((), {}, "There is nothing to restore: the task was a dry run and changed no policy.")
    rows, left_out = result["repositories"], result["repositories_left_out"]
    uri = result["former_policies_uri"]
    # Prefer the policies in the result: anyone with write access can change the file.
    in_file = list(stored(uri)) if uri and (left_out or any(_text_is_elsewhere(row) for row in rows)) else []
    found, nothing = [], {}
    for row in rows:
        repository = RepositoryId.of(row)
        if (why := _why_nothing(row, result)) is not None:
            nothing[repository] = why
        else:
            found.append(_from_file(row, repository, in_file, uri) if _text_is_elsewhere(row) else _from_row(row))
    if left_out:
        found += _left_out(result, found, {*nothing, *(former.repository for former in found)}, in_file)
    if not found:
        return PoliciesToRestore((), nothing, "There is nothing to restore: the task changed no policy.")
    is_checked = not left_out or "former_policies_fingerprint" in result
    return PoliciesToRestore(found, nothing, None if is_checked else _NOT_CHECKED)


def policies_to_restore_unchecked(uri: str, stored: Iterable[FormerPolicy]) -> PoliciesToRestore:
    """Return the policies to restore according to a file alone.

    :param uri: where the file is.
    :param stored: its entries.
    """
    found = last_of_each(stored)
    if not found:
        return PoliciesToRestore((), {}, f"There is nothing to restore: {uri} holds no former policy.")
    return PoliciesToRestore(
        found,
        {},
        f"The policies at {uri} are restored unchecked: only the result of the task that replaced them can prove that "
        "they are the ones it replaced. Pass that result as applied to check them.",
    )


def _why_nothing(row: Mapping[str, Any], result: Mapping[str, Any]) -> str | None:
    """Return why nothing is restored in a repository, or None if something may have to be."""
    if "is_put" in row:
        is_put = bool(row["is_put"])
    else:
        # If a task of an earlier release was killed, its result has everything as planned.
        is_put = row["status"] in _MAYBE_PUT or (row["status"] == "planned" and result["status"] != "blocked")
    if is_put and row["former_policy_fingerprint"] != row["policy_fingerprint"]:
        return None
    if row["status"] == "unchanged":
        return (
            "There is nothing to restore: the repository had this policy already when the task looked. If an earlier "
            "attempt at the task put it, the log of that attempt has the former policy."
        )
    return f"There is nothing to restore: the task did not change this policy (it was {row['status']})."


def _text_is_elsewhere(row: Mapping[str, Any]) -> bool:
    return row["former_lifecycle_policy_text"] is None and row["former_policy_fingerprint"] is not None


def _from_row(row: Mapping[str, Any]) -> FormerPolicy:
    return FormerPolicy.from_dict(row)


def _from_file(
    row: Mapping[str, Any], repository: RepositoryId, in_file: Sequence[FormerPolicy], uri: str | None
) -> FormerPolicy:
    if not uri:
        raise ValueError(f"it does not hold the former policy of {repository}")
    of_repository = [former for former in in_file if former.repository == repository]
    wanted = row["former_policy_fingerprint"]
    for former in of_repository:
        if former.fingerprint == wanted:
            return FormerPolicy(repository, former.policy, row["policy_fingerprint"])
    there = ", ".join((former.fingerprint or "none")[:12] for former in of_repository) or "none"
    raise ValueError(
        f"the task replaced the policy {wanted[:12]} of {repository}, and {uri} holds {there} for it: the file was "
        "written again since. Nothing was changed; put the right policy by hand, the log of the task has it"
    )


def _left_out(
    result: Mapping[str, Any],
    found: Sequence[FormerPolicy],
    named: Iterable[RepositoryId],
    in_file: Sequence[FormerPolicy],
) -> list[FormerPolicy]:
    """Return the former policies that did not fit into the result, if it vouches for them."""
    uri = result["former_policies_uri"]
    if not uri:
        raise ValueError("it does not hold all repositories")
    change_id, wanted = result.get("change_id"), result.get("former_policies_fingerprint")
    known = {*named}
    others = [former for former in in_file if former.change_id == change_id and former.repository not in known]
    if wanted is not None and former_policies_fingerprint([*found, *others]) != wanted:
        raise ValueError(
            f"{uri} does not hold exactly the policies that the task replaced: the task ended early, or the file "
            "was written again since. Nothing was changed. Run the task to its end, or put the former policies by hand: "
            "its log has them"
        )
    return others
