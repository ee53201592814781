"""The bytes that expiring images really free."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.preview.layers import (
    MAX_MANIFESTS,
    FreedBytes,
    Manifest,
    freed_bytes,
    read_manifest,
)
from airflow_provider_ecr_preview.core.repository import digest_key


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def blob(name: str, size: Any) -> dict[str, Any]:
    return {"digest": digest(name), "size": size}


def test_a_manifest_says_which_layers_and_images_it_refers_to() -> None:
    image = json.dumps({"config": blob("c", 7), "layers": [blob("a", 1), blob("a", 1), blob("b", 2)]})
    manifest = read_manifest(digest(image), image)
    assert dict(manifest.blobs) == {digest_key(digest(name)): size for name, size in (("c", 7), ("a", 1), ("b", 2))}
    index = json.dumps({"manifests": [blob("i", 3)], "subject": blob("s", 4)})
    assert read_manifest(digest(index), index) == Manifest((), (digest_key(digest("i")),), digest_key(digest("s")))
    for read in (manifest, read_manifest(digest(index), index)):
        assert Manifest.from_dict(json.loads(json.dumps(read.as_dict()))) == read


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        json.dumps({"layers": [blob("a", 1)]}),
        json.dumps({"config": blob("c", 1), "layers": [blob("a", -1)]}),
        json.dumps({"config": blob("c", 1), "layers": [blob("a", True)]}),
        json.dumps({"config": blob("c", "1"), "layers": []}),
        json.dumps({"manifests": [{}]}),
        "[" * 100_000,
    ],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_manifest(digest(text), text)


def test_a_manifest_of_another_image_is_refused_and_other_digests_are_not_checked() -> None:
    text = json.dumps({"config": blob("c", 1), "layers": []})
    with pytest.raises(ValueError, match="does not match"):
        read_manifest(digest("other"), text)
    assert read_manifest("sha512:ab", text).blobs


@pytest.mark.parametrize("value", [{}, {"blobs": [["a", "b"]], "children": [], "subject": None}, {"blobs": 3}])
def test_a_kept_manifest_that_is_damaged_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not a manifest"):
        Manifest.from_dict(value)


MANIFESTS = {
    "old": Manifest((("base", 100), ("x", 10), ("config-x", 1))),
    "older": Manifest((("base", 100), ("x", 10), ("y", 20), ("config-y", 1))),
    "new": Manifest((("base", 100), ("z", 30), ("config-z", 1))),
}


def freed(*expiring: str, upper_bound: int | None = None, manifests: Any = MANIFESTS) -> FreedBytes:
    return freed_bytes(manifests, manifests.__getitem__, expiring.__contains__, upper_bound)


def test_a_layer_is_freed_once_and_only_if_nothing_that_stays_refers_to_it() -> None:
    # By hand: x, config-x; older keeps x, so only config-x goes; both together free x, y and both configurations.
    assert freed("old") == FreedBytes(1, 110, 1)
    assert freed("old", "older") == FreedBytes(10 + 1 + 20 + 1, 100, 2)
    assert freed("old", "older", "new") == FreedBytes(100 + 10 + 1 + 20 + 1 + 30 + 1, 0, 3)
    assert freed() == FreedBytes(0, 0, 0)


def test_the_result_is_never_above_the_upper_bound() -> None:
    assert freed("old", "older", upper_bound=5).freed == 5


def test_a_list_its_images_and_their_signatures_are_one_family() -> None:
    manifests = {
        "list": Manifest(children=("amd", "arm", "gone")),
        "amd": Manifest((("a", 1),)),
        "arm": Manifest((("b", 1),)),
        "signature": Manifest((("s", 1),), subject="amd"),
        "alone": Manifest((("c", 1),), subject="elsewhere"),
    }
    assert freed(*manifests, manifests=manifests).family_count == 2
    assert freed("amd", "arm", manifests=manifests).family_count == 2


def test_what_is_unknown_says_why() -> None:
    assert FreedBytes.unknown("No.") == FreedBytes(None, None, None, "No.")


@given(st.data())
def test_it_is_the_size_of_the_union_of_what_goes_without_what_stays(data: st.DataObject) -> None:
    sizes = {f"l{number}": number + 1 for number in range(8)}
    layers = st.lists(st.sampled_from(sorted(sizes)), unique=True)
    manifests = {
        f"i{number}": Manifest(tuple((name, sizes[name]) for name in names))
        for number, names in enumerate(data.draw(st.lists(layers, max_size=6)))
    }
    expiring = data.draw(st.sets(st.sampled_from(sorted(manifests)))) if manifests else set()
    going = {key for name in expiring for key, _ in manifests[name].blobs}
    staying = {key for name in manifests.keys() - expiring for key, _ in manifests[name].blobs}
    bound = sum(size for name in expiring for _, size in manifests[name].blobs)
    found = freed(*expiring, manifests=manifests, upper_bound=bound)
    assert found.freed == sum(sizes[key] for key in going - staying) <= bound
    assert found.shared == sum(sizes[key] for key in going & staying)


def _image(number: int, layers: int) -> tuple[str, str]:
    """Return digest and manifest of an image that has half of its layers in common with all others."""
    blobs = [
        {"digest": f"sha256:{index if index < layers // 2 else number * 1_000 + index:064x}", "size": 1_000}
        for index in range(layers)
    ]
    text = json.dumps({"config": {"digest": f"sha256:{10**9 + number:064x}", "size": 7}, "layers": blobs})
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", text


@pytest.mark.parametrize(
    ("count", "most"),
    [
        pytest.param(1_000, 10_000_000, id="1,000"),
        pytest.param(MAX_MANIFESTS, 100_000_000, id="10,000", marks=pytest.mark.nightly),
    ],
)
def test_the_manifests_of_a_repository_take_bounded_memory(count: int, most: int) -> None:
    tracemalloc.start()
    try:
        manifests = {
            digest_key(digest): read_manifest(digest, text) for digest, text in map(_image, range(count), [40] * count)
        }
        going = set(list(manifests)[::2])
        freed = freed_bytes(manifests, manifests.__getitem__, going.__contains__, None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert freed.freed == len(going) * (20 * 1_000 + 7)
    assert freed.shared == 20 * 1_000
    assert peak < most
