"""Text that comes out of XCom reaches the log and the messages of a clean-up as visible characters on one line."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.operators.cleanup.collected import collected

HOSTILE = "\x1b[31m\nCRITICAL all is well\u202e{{ var.value.x }}"


def hostile_summaries(summary: Any) -> list[Any]:
    """Return summaries with a hostile text in one of the places where a clean-up takes text from."""
    finding = {"code": HOSTILE, "severity": "critical", "message": HOSTILE, "image_digests": []}
    changes = (
        {"images_uri": f"{summary['images_uri']}{HOSTILE}"},
        {"previewed_at": f"{summary['previewed_at']}{HOSTILE}"},
        {"findings": [finding]},
        {"policy_fingerprint": HOSTILE},
    )
    return [{**summary, **change} for change in changes]


def assert_inert(text: str) -> None:
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\nCRITICAL" not in text


@pytest.mark.parametrize("place", range(4))
def test_a_summary_with_hostile_text_blocks_with_messages_that_are_shown_as_they_are(
    bench: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], place: int
) -> None:
    summary = hostile_summaries(bench.preview())[place]
    caplog.set_level(logging.INFO)
    try:
        value = bench.clean_up(summary, dry_run=True)
    except ValueError as error:
        assert_inert(str(error))
    else:
        assert value["status"] in ("blocked", "dry_run")
        for check in value["repositories"][0]["checks"]:
            assert_inert(check["message"])
    assert_inert(caplog.text)
    assert_inert(capsys.readouterr().out.replace("\x1b[0m", ""))


def test_users_and_sources_with_hostile_names_are_shown_as_they_are(
    bench: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = bench.digests()[0]
    caplog.set_level(logging.INFO)
    for in_use in (collected({digest: HOSTILE}), collected(unread=[HOSTILE])):
        value = bench.clean_up(bench.preview(), dry_run=True, in_use=in_use.as_xcom())
        for check in value["repositories"][0]["checks"]:
            assert_inert(check["message"])
        for spared in value["repositories"][0]["spared_images"]:
            assert_inert(spared["message"])
    assert_inert(caplog.text)
    assert_inert(capsys.readouterr().out)
