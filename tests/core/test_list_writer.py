"""A list says which DAG wrote it, where no reader of its lines sees it."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.list_writer import (
    HEAD_BYTES,
    dag_id_of,
    dag_id_of_report,
    name_within,
    owner_comment,
)


def written(name: str) -> bytes:
    stored = io.BytesIO()
    with gzip.GzipFile(filename=name, mode="wb", fileobj=stored, mtime=0) as lines:
        lines.write(b"{}\n")
    return stored.getvalue()


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=250).filter(str.isprintable))
def test_the_dag_is_found_again_whatever_its_name(dag_id: str) -> None:
    content = written(name_within(dag_id))
    assert dag_id_of(content[:HEAD_BYTES]) == dag_id
    assert gzip.decompress(content) == b"{}\n"


@pytest.mark.parametrize(
    "head",
    [
        written(""),
        written("images.jsonl"),
        written("dag_id=x"),
        written("dag_id=/etc/x.jsonl.gz"),
        written(name_within(None)),
        b"",
        b"\x1f\x8b\x08",
        b"no gzip dag_id=payments.jsonl\0",
        b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"dag_id=payments.jsonl",
        b"\x1f\x8b\x08\x0c" + b"\0" * 6 + b"dag_id=payments.jsonl\0",
    ],
)
def test_a_list_without_an_owner_comment_belongs_to_no_dag(head: bytes) -> None:
    assert dag_id_of(head) is None


@pytest.mark.parametrize("dag_id", ["payments", "a --> b", "Zahlungen ü", "x/../y"])
def test_a_report_names_its_dag_in_its_last_line(dag_id: str) -> None:
    text = f"# Report\n\n{owner_comment(dag_id)}\n"
    assert dag_id_of_report(text) == dag_id
    assert owner_comment(dag_id).count("-->") == 1


@pytest.mark.parametrize("text", ["", "# Report", "<!-- dag_id=a -->\nmore", "<!-- dag_id= -->", "<!-- dag_id=a b -->"])
def test_a_report_that_does_not_end_so_names_none(text: str) -> None:
    assert dag_id_of_report(text) is None
