"""Lines that are written a part at a time are read whole, and can be cleared."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.parts import MemoryParts, PartedLines


def test_lines_are_read_in_the_order_in_which_they_were_written() -> None:
    parts = MemoryParts()
    PartedLines(parts).write(["a", "b"])
    later = PartedLines(parts)
    later.write(["c"])
    assert [*later] == ["a", "b", "c"]


def test_after_they_were_cleared_only_new_lines_are_read() -> None:
    lines = PartedLines(MemoryParts(["a"]))
    lines.write(["b"])
    lines.clear()
    assert [*lines] == []
    lines.write(["c"])
    assert [*lines] == ["c"]
