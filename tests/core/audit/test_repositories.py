from __future__ import annotations

import base64
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.audit.overlap import Overlap
from airflow_provider_ecr_preview.core.audit.repositories import MAX_PACKED_CHARACTERS, AuditedRepositories
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.exceptions import AuditsOverlapError
from airflow_provider_ecr_preview.core.values import json_size
from airflow_provider_ecr_preview.core.xcom.audit import MAX_AUDIT_BYTES, RepositoryRef
from tests.core.audit.test_summary import audit, audited

REFS = st.builds(
    RepositoryRef,
    registry_id=st.sampled_from(["123456789012", "210987654321", None]),
    region_name=st.sampled_from(["eu-west-1", "us-east-1", None]),
    repository_name=st.integers(0, 20).map("team/{}".format),
)


def repositories(refs: list[RepositoryRef]) -> AuditedRepositories:
    known = AuditedRepositories()
    for ref in refs:
        known.add(ref)
    return known


def empty_xcom(**fields: Any) -> Any:
    return {**audit_xcom(audit()), **fields}


@given(st.lists(REFS, max_size=40))
def test_packed_names_come_back(refs: list[RepositoryRef]) -> None:
    known = repositories(refs)
    again = AuditedRepositories.of_xcom(empty_xcom(packed_repositories=known.packed()))
    assert list(again.identified()) == list(known.identified())


@given(st.lists(st.lists(REFS, max_size=6), max_size=5))
def test_audits_overlap_if_two_of_them_have_a_repository_of_known_account_and_region(
    parts: list[list[RepositoryRef]],
) -> None:
    overlap = Overlap()
    for part in parts:
        overlap.add(repositories(part))
    keys = [set(repositories(part).identified()) for part in parts]
    if sum(map(len, keys)) == len(set().union(*keys)):
        overlap.require_none()
    else:
        with pytest.raises(AuditsOverlapError):
            overlap.require_none()


def test_the_names_of_a_thousand_repositories_fit_into_the_xcom() -> None:
    value = audit_xcom(audit(*(audited(f"team-{number % 7}/service-{number}") for number in range(1000))))
    assert json_size(value) <= MAX_AUDIT_BYTES
    assert (len(value["top"]), AuditedRepositories.of_xcom(value).unnamed_count) == (50, 0)


@pytest.mark.parametrize("number", [5_000, 20_000])
def test_names_that_do_not_fit_are_left_out(number: int) -> None:
    random_names = [
        base64.b32encode(zlib.crc32(b"%d" % n).to_bytes(4, "big") * 9).decode() + str(n) for n in range(number)
    ]
    known = repositories(
        [RepositoryRef(registry_id="1", region_name="r", repository_name=name) for name in random_names]
    )
    assert len(known.packed() or "") <= MAX_PACKED_CHARACTERS
    assert known.packed() is None


def test_a_merge_with_unknown_names_does_not_claim_to_have_all() -> None:
    whole = audit(audited("a"))
    value: Any = {**audit_xcom(audit(*(audited(f"team/{number}") for number in range(200))))}
    del value["packed_repositories"]
    whole.merge(Audit.from_xcom(value))
    assert whole.repositories.unnamed_count == 150
    assert "packed_repositories" not in audit_xcom(whole)


@pytest.mark.parametrize(
    "packed",
    [
        "é",
        "damaged",
        base64.b85encode(zlib.compress(b"[1]")).decode(),
        base64.b85encode(zlib.compress(b'{"1": {"r": 5}}')).decode(),
        base64.b85encode(zlib.compress(b" " * 2**21)).decode(),
        base64.b85encode(zlib.compress(b"{}")[:-4]).decode(),
    ],
)
def test_damaged_names_are_an_error(packed: str) -> None:
    with pytest.raises(ValueError, match=r"packed_repositories of an audit is damaged .* Clear the task"):
        AuditedRepositories.of_xcom(empty_xcom(packed_repositories=packed))
