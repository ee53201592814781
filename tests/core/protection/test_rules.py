"""Numbers out of range, and tags that are given in any form."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.core.protection.rules import PROTECTED_TAGS, ImageProtection, tags_protected_by


@pytest.mark.parametrize(
    "fields",
    [
        {"min_age_days": -1},
        {"recently_pulled_days": float("nan")},
        {"newest_images_kept": -1},
        {"protected_tags": ["*no/tag*"]},
    ],
)
def test_protection_that_means_nothing_is_refused(fields: dict[str, Any]) -> None:
    (name,) = fields
    with pytest.raises(ValueError, match=name):
        ImageProtection(**fields)


def test_the_first_protected_tag_is_named_with_what_protects_it() -> None:
    protection = ImageProtection(protected_tags=("prod*",), protected_tag_patterns=("^v1$",))
    assert protection.protecting(["a", "v1", "prod-1"]) == ("v1", "^v1$")
    assert protection.protecting(["a"]) is None
    assert protection.protected_tag_of(["a", "prod-1"]) == "prod-1"
    assert protection.protected_tag_of(["a"]) is None


def test_tags_are_given_in_any_form_of_a_list() -> None:
    assert tuple(tags_protected_by(None).protected_tags) == PROTECTED_TAGS
    assert tags_protected_by('["live"]').has_protected_tag(["live"])
