"""Former policies are restored as the result of the task that replaced them says, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.former import (
    MAX_KEPT_CHANGES,
    FormerPolicy,
    fingerprint_of,
    former_policies_fingerprint,
    last_of_each,
    merged,
)
from airflow_provider_ecr_preview.core.rollout.restore import (
    PoliciesToRestore,
    policies_to_restore,
    policies_to_restore_unchecked,
)
from tests.support.policies import keep, policy

URI = "file:///former.jsonl.gz"


def former(
    name: str, count: int | None, by: int, change_id: str | None = "a", kept_at: str | None = "1"
) -> FormerPolicy:
    """Return that a repository kept so many images before, and was made to keep so many others by a change."""
    before = None if count is None else policy(*keep(count)["rules"])
    return FormerPolicy(
        RepositoryId("1", "r", name), before, policy(*keep(by)["rules"]).fingerprint, change_id, kept_at
    )


def row(of: FormerPolicy, *, text: bool = True, **fields: Any) -> dict[str, Any]:
    value = {**of.as_dict(), "status": "changed", "is_put": True}
    if not text:
        value["former_lifecycle_policy_text"] = None
    return {**value, **fields}


def result(*rows: dict[str, Any], **fields: Any) -> dict[str, Any]:
    values = {
        "dry_run": False,
        "status": "changed",
        "repositories": [*rows],
        "repositories_left_out": 0,
        "former_policies_uri": URI,
        "change_id": "a",
    }
    return {**values, **fields}


def back(value: dict[str, Any], *stored: FormerPolicy) -> PoliciesToRestore:
    def read(uri: str) -> list[FormerPolicy]:
        assert uri == URI
        return [*stored]

    return policies_to_restore(value, read)


def policies(found: PoliciesToRestore) -> dict[str, str | None]:
    return {former.repository.repository_name: former.fingerprint for former in found.former_policies}


def keeps(**counts: int | None) -> dict[str, str | None]:
    return {
        name: fingerprint_of(None if count is None else policy(*keep(count)["rules"])) for name, count in counts.items()
    }


class TestEntry:
    @pytest.mark.parametrize(
        "entry",
        [
            former("x", 3, 9),
            former("x", None, 9),
            former("x", 3, 9, None, None),
            replace(former("x", 3, 9), is_put=False),
        ],
    )
    def test_it_is_read_as_it_was_written(self, entry: FormerPolicy) -> None:
        assert FormerPolicy.from_dict(json.loads(json.dumps(entry.as_dict()))) == entry

    def test_what_an_earlier_release_wrote_is_read(self) -> None:
        value = former("x", 3, 9, None, None).as_dict()
        del value["change_id"], value["kept_at"], value["is_put"]
        assert FormerPolicy.from_dict(value) == former("x", 3, 9, None, None)

    @pytest.mark.parametrize(
        "change",
        [
            {"former_lifecycle_policy_text": policy(*keep(4)["rules"]).text},
            {"former_lifecycle_policy_text": None},
            {"former_lifecycle_policy_text": "{"},
            {"former_policy_fingerprint": None},
            {"former_lifecycle_policy_text": 3},
        ],
    )
    def test_a_text_that_is_not_of_its_fingerprint_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"."):
            FormerPolicy.from_dict({**former("x", 3, 9).as_dict(), **change})

    def test_one_that_lacks_something_is_refused(self) -> None:
        with pytest.raises(ValueError, match="it lacks 'registry_id'"):
            FormerPolicy.from_dict({})


class TestMerging:
    def test_another_change_of_the_same_repository_is_kept_too(self) -> None:
        stored = [former("x", 1, 9, "a", "1")]
        assert merged(stored, [former("x", 2, 9, "b", "2")], "b") == [*stored, former("x", 2, 9, "b", "2")]

    def test_an_earlier_attempt_at_the_same_change_is_replaced(self) -> None:
        stored = [former("x", 1, 9, "a", "1"), former("y", 1, 9, "a", "1"), former("y", 3, 9, "b", "0")]
        assert merged(stored, [former("x", 1, 9, "a", "2")], "a") == [
            former("y", 3, 9, "b", "0"),
            former("x", 1, 9, "a", "2"),
        ]

    def test_the_last_changes_of_a_repository_are_kept(self) -> None:
        stored = [former("x", number, 9, f"run {number}", str(number)) for number in range(1, 8)]
        kept = merged(stored, [former("x", 8, 9, "a", "8")], "a")
        assert [former.change_id for former in kept] == ["run 6", "run 7", "a"]
        assert len(kept) == MAX_KEPT_CHANGES

    def test_what_an_earlier_release_wrote_is_the_oldest(self) -> None:
        stored = [former("x", 1, 9, None, None)]
        assert merged(stored, [former("x", 2, 9, "a", "1")], "a")[0] == stored[0]

    def test_the_last_change_of_each_repository_is_what_a_file_undoes(self) -> None:
        stored = [former("x", 2, 9, "b", "2"), former("x", 1, 9, "a", "1"), former("y", 1, 9, None, None)]
        assert last_of_each(stored) == [former("y", 1, 9, None, None), former("x", 2, 9, "b", "2")]


class TestRestoring:
    def test_what_the_result_itself_holds_is_taken_from_there(self) -> None:
        value = result(row(former("x", 3, 9)), row(former("y", None, 9), text=True))
        assert policies(back(value, former("x", 5, 9))) == keeps(x=3, y=None)
        assert policies(back({**value, "former_policies_uri": None})) == keeps(x=3, y=None)

    def test_what_is_stored_is_taken_where_it_is_what_the_result_says(self) -> None:
        stored = [former("x", 5, 9, "b", "2"), former("x", 3, 9), former("y", 4, 9)]
        assert policies(back(result(row(former("x", 3, 9), text=False)), *stored)) == keeps(x=3)

    @pytest.mark.parametrize("stored", [[], [former("x", 5, 9)], [former("y", 3, 9)]])
    def test_a_file_that_was_written_again_is_refused(self, stored: list[FormerPolicy]) -> None:
        with pytest.raises(ValueError, match=r"the file was written again since\. Nothing was changed"):
            back(result(row(former("x", 3, 9), text=False)), *stored)

    def test_a_text_that_is_nowhere_is_refused(self) -> None:
        with pytest.raises(ValueError, match="does not hold the former policy of x"):
            back(result(row(former("x", 3, 9), text=False), former_policies_uri=None))

    @pytest.mark.parametrize("status", ["unchanged", "planned", "blocked", "failed"])
    def test_a_repository_that_the_task_did_not_change_gets_nothing_back(self, status: str) -> None:
        found = back(result(row(former("x", 3, 9), status=status, is_put=False)))
        assert policies(found) == {}
        ((repository, why),) = found.nothing.items()
        assert repository.repository_name == "x"
        assert why.startswith("There is nothing to restore")
        assert found.warning == "There is nothing to restore: the task changed no policy."

    def test_a_policy_that_was_there_already_gets_nothing_back_and_says_where_to_look(self) -> None:
        found = back(result(row(former("x", 9, 9), status="unchanged", is_put=True), row(former("y", 3, 9))))
        assert "the log of that attempt has the former policy" in found.nothing[RepositoryId("1", "r", "x")]
        assert (policies(found), found.warning) == (keeps(y=3), None)

    def test_a_dry_run_gives_nothing_back(self) -> None:
        found = back(result(row(former("x", 3, 9), status="planned", is_put=False), dry_run=True))
        assert (policies(found), "dry run" in str(found.warning)) == ({}, True)

    def test_of_an_earlier_release_the_status_says_what_was_put(self) -> None:
        def of(status: str, overall: str = "changed") -> dict[str, str | None]:
            value = row(former("x", 3, 9), status=status)
            del value["is_put"]
            return policies(back(result(value, status=overall)))

        assert of("changed") == of("unknown") == of("failed") == of("planned") == keeps(x=3)
        assert of("unchanged") == of("blocked", "blocked") == of("planned", "blocked") == {}


class TestLeftOut:
    """The result has no room for all repositories; one digest over all binds the file to it."""

    FORMERS = (former("x", 3, 9), former("y", 4, 9), former("z", 5, 9))

    def value(self, **fields: Any) -> dict[str, Any]:
        bound = {"former_policies_fingerprint": former_policies_fingerprint(self.FORMERS), "repositories_left_out": 2}
        return result(row(self.FORMERS[0]), **{**bound, **fields})

    def test_they_are_taken_from_the_file(self) -> None:
        others = [former("other", 6, 9, "b"), former("y", 7, 9, "b")]
        found = back(self.value(), *others, *self.FORMERS)
        assert (policies(found), found.warning) == (keeps(x=3, y=4, z=5), None)

    @pytest.mark.parametrize(
        "stored",
        [
            [],
            [FORMERS[1]],
            [*FORMERS[:2], former("z", 6, 9)],
            [*FORMERS[:2], former("z", 5, 8)],
            [*FORMERS[:2], former("z", 5, 9, "b")],
            [*FORMERS, former("w", 5, 9)],
        ],
    )
    def test_a_file_that_was_written_again_is_refused(self, stored: list[FormerPolicy]) -> None:
        with pytest.raises(ValueError, match="does not hold exactly the policies that the task replaced"):
            back(self.value(), *stored)

    def test_without_a_file_they_are_missed(self) -> None:
        with pytest.raises(ValueError, match="does not hold all repositories"):
            back(self.value(former_policies_uri=None))

    def test_of_an_earlier_release_it_is_said_that_nothing_was_checked(self) -> None:
        value = self.value()
        del value["former_policies_fingerprint"], value["change_id"]
        found = back(value, former("y", 4, 9, None, None), former("z", 5, 9))
        assert policies(found) == keeps(x=3, y=4)
        assert "cannot be checked" in str(found.warning)


class TestUnchecked:
    def test_what_cannot_be_checked_is_said(self) -> None:
        found = policies_to_restore_unchecked(URI, [former("x", 1, 9, "a", "1"), former("x", 2, 9, "b", "2")])
        assert policies(found) == keeps(x=2)
        assert URI in str(found.warning)
        assert "unchecked" in str(found.warning)

    def test_an_empty_file_gives_nothing_back(self) -> None:
        assert "holds no former policy" in str(policies_to_restore_unchecked(URI, []).warning)


entries = st.builds(
    former,
    st.sampled_from("xyz"),
    st.sampled_from([None, 1, 2, 3]),
    st.sampled_from([8, 9]),
    st.sampled_from(["a", "b", None]),
    st.sampled_from(["1", "2", None]),
)


@given(st.lists(entries, max_size=5), st.lists(entries, max_size=8), st.data())
def test_whatever_a_file_holds_only_what_the_result_says_is_restored(
    of_change: list[FormerPolicy], stored: list[FormerPolicy], data: st.DataObject
) -> None:
    put = {former.repository: former for former in of_change}.values()
    shown = [former for former in put if data.draw(st.booleans())]
    value = result(
        *(row(former, text=data.draw(st.booleans())) for former in shown),
        former_policies_fingerprint=former_policies_fingerprint(put),
        repositories_left_out=len(put) - len(shown),
    )
    try:
        found = back(value, *stored)
    except ValueError:
        return
    truth = {(former.repository, former.fingerprint, former.replaced_by) for former in put}
    assert {(former.repository, former.fingerprint, former.replaced_by) for former in found.former_policies} <= truth
