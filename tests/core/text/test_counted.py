from __future__ import annotations

import pytest

from airflow_provider_ecr_preview.core.text.counted import after


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, ""), (0.25, " after 0.25 s"), (300.0, " after 300 s"), (3600.0, " after 3,600 s")]
)
def test_a_duration_is_never_shown_as_0_s(seconds: float, text: str) -> None:
    assert after(seconds) == text
