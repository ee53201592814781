"""Make the README and the links of the project fit for a package index, where relative links lead nowhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"!\[([^]]*)\]\((?!https?:)([^)]+)\)\n*")

_LINK = re.compile(r"(?<!!)\[([^]]+)\]\((?!https?:|#)([^)]+)\)")

_PAGES = {"Documentation": "docs/index.md", "Changelog": "CHANGELOG.md", "Security": "SECURITY.md"}


class ProjectMetadataHook(MetadataHookInterface):
    """Fills in ``readme`` and ``urls`` from the one place that holds the address of the project."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill them in.

        :param metadata: the table ``[project]``.
        """
        address = self.config["address"].rstrip("/")
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": standing_alone(readme, address)}
        metadata["urls"] = project_urls(address)


def standing_alone(readme: str, address: str) -> str:
    """Return a README whose links work anywhere; without an address, their text alone and no pictures.

    :param readme: the README.
    :param address: where the repository is, without a slash at its end; empty while it has no address.
    """
    if not address:
        return _LINK.sub(r"\1", _IMAGE.sub("", readme))
    with_images = _IMAGE.sub(lambda found: f"![{found[1]}]({address}/raw/main/{found[2]})\n\n", readme)
    return _LINK.sub(lambda found: f"[{found[1]}]({address}/blob/main/{found[2]})", with_images)


def project_urls(address: str) -> dict[str, str]:
    """Return the links that a package index shows beside the README.

    :param address: as for :func:`standing_alone`.
    """
    if not address:
        return {}
    pages = {name: f"{address}/blob/main/{path}" for name, path in _PAGES.items()}
    return {"Homepage": address, "Issues": f"{address}/issues", **pages}
