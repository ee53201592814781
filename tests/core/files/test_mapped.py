"""Each mapped task instance has a file of its own, and it can be found again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.files.mapped import has_map_index, is_mapped_name, mapped_path


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("s3://aws_default@bucket/ecr/results.jsonl.gz", "s3://aws_default@bucket/ecr/results-mapped-3.jsonl.gz"),
        ("file:///reports/v1.2/results", "file:///reports/v1.2/results-mapped-3"),
        ("results.jsonl", "results-mapped-3.jsonl"),
        ("/reports/.hidden.gz", "/reports/.hidden-mapped-3.gz"),
        ("/reports/results-mapped-3.gz", "/reports/results-mapped-3.gz"),
        ("/reports/results-mapped-13.gz", "/reports/results-mapped-13-mapped-3.gz"),
        ("s3://bucket/folder/", "s3://bucket/folder/"),
        ("s3://bucket", "s3://bucket"),
    ],
)
def test_the_map_index_comes_before_the_suffixes(path: str, own: str) -> None:
    assert mapped_path(path, 3) == own


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("x/{{ ti.map_index }}.gz", True),
        ("x/{{ task_instance.map_index | string }}.gz", True),
        ("x/{% set i = ti.map_index %}{{ i }}.gz", True),
        ("x/map_index/{{ run_id }}.gz", False),
        ("x/{{ run_id }}/map_index.gz", False),
        ("x/{{ task.map_index_template }}.gz", False),
        ("x/{{ run_id }}.gz", False),
    ],
)
def test_only_a_template_with_the_map_index_surely_differs(written: str, expected: bool) -> None:
    assert has_map_index(written) is expected


@given(st.text("ab.-/0", min_size=1), st.integers(0, 20), st.integers(0, 20))
def test_instances_never_share_a_file_and_are_found_by_the_name_of_all(name: str, first: int, second: int) -> None:
    path = f"/folder/{name}x.gz"
    one, two = mapped_path(path, first), mapped_path(path, second)
    assert (one == two) is (first == second)
    assert is_mapped_name(one.rpartition("/")[2], path.rpartition("/")[2])
    assert not is_mapped_name(path.rpartition("/")[2], path.rpartition("/")[2])
