"""The plugin as Airflow loads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from airflow_provider_ecr_preview import __version__
from airflow_provider_ecr_preview.assets import audit_asset
from airflow_provider_ecr_preview.operators.ecr_audit import EcrListRepositoriesOperator
from airflow_provider_ecr_preview.plugins import bundle, ecr_preview
from airflow_provider_ecr_preview.plugins.ecr_preview import react_apps
from tests.plugins.conftest import Server
from tests.support.operators import registered_operators

pytestmark = pytest.mark.xdist_group("web")

OURS = {
    "airflow_provider_ecr_preview",
    "airflow_provider_ecr_preview.plugins",
    "airflow_provider_ecr_preview.plugins.bundle",
    "airflow_provider_ecr_preview.plugins.ecr_preview",
    "airflow_provider_ecr_preview.plugins.lazy_app",
    "airflow_provider_ecr_preview.settings",
}


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "main.js"
    path.write_text("globalThis.AirflowPlugin = () => null;")
    monkeypatch.setattr(bundle, "BUNDLE", path)
    return path


def test_importing_the_plugin_costs_nothing_that_only_the_pages_need() -> None:
    # What Airflow itself has loaded before it loads plugins does not count.
    code = """
import sys, airflow.plugins_manager
before = set(sys.modules)
import airflow_provider_ecr_preview.plugins.ecr_preview
print(*set(sys.modules) - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    new = set(done.stdout.splitlines()[-1].split())
    assert "airflow_provider_ecr_preview.plugins.ecr_preview" in new
    assert new <= OURS


def test_there_is_one_bundle_for_all_places(built: Path) -> None:
    apps = [app for app in react_apps() if app["destination"] != "asset"]
    assert [(app["destination"], app["name"], app["url_route"]) for app in apps] == [
        ("task_instance", "ECR preview", "ecr-preview"),
        ("dag_run", "ECR preview", "ecr-preview-run"),
        ("nav", "ECR previews", "ecr-previews"),
        ("nav", "ECR history", "ecr-history"),
    ]
    assert len({app["bundle_url"] for app in apps}) == 1


def test_every_place_has_an_icon_for_the_light_and_the_dark_mode(built: Path) -> None:
    for app in react_apps():
        light, dark = (
            ET.fromstring(unquote(app[name]).removeprefix("data:image/svg+xml,")) for name in ("icon", "icon_dark_mode")
        )
        assert light.tag == dark.tag == "{http://www.w3.org/2000/svg}svg"
        assert light.get("stroke") != dark.get("stroke")


def test_from_airflow_3_4_on_the_tab_of_a_task_is_on_ours_alone(built: Path) -> None:
    tab, *others = [app for app in react_apps() if app["destination"] != "asset"]
    assert tab["applies_to"] == {"operator_name": sorted({operator.__name__ for operator in registered_operators()})}
    assert not any("applies_to" in app for app in others)


def test_a_subclass_that_names_its_operator_keeps_the_tab(built: Path) -> None:
    class OurList(EcrListRepositoriesOperator):
        custom_operator_name = "EcrListRepositoriesOperator"

    tab, *_ = react_apps()
    assert OurList(task_id="list").operator_name in tab["applies_to"]["operator_name"]


@pytest.mark.parametrize(
    ("version", "count"), [("3.1.1", 0), ("3.3.2", 0), ("3.4.0b2", 1), ("3.10.0", 1), ("4.0.0", 1)]
)
def test_audits_are_on_their_assets_from_airflow_3_4_on(
    built: Path, monkeypatch: pytest.MonkeyPatch, version: str, count: int
) -> None:
    monkeypatch.setattr(ecr_preview, "airflow_version", version)
    found = [app for app in react_apps() if app["destination"] == "asset"]
    assert len(found) == count
    # And on no other assets.
    assert all(app["applies_to"] == {"group": [audit_asset("platform").group]} for app in found)
    assert all(app["name"] == "ECR preview" for app in found)


def test_this_airflow_takes_every_page(built: Path) -> None:
    from airflow.api_fastapi.core_api.datamodels.plugins import ReactAppResponse  # noqa: PLC0415 - takes seconds

    for app in react_apps():
        ReactAppResponse.model_validate(app)


def test_the_bundle_has_a_component_under_the_name_of_every_place(built: Path) -> None:
    source = (Path(bundle.__file__).parent / "frontend" / "src" / "main.tsx").read_text()
    assert [app["name"] for app in react_apps() if f'"{app["name"]}": Ecr' not in source] == []


def test_the_address_of_the_pages_has_the_path_of_airflow_and_changes_with_them(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/airflow/")
    before = react_apps()[0]["bundle_url"]
    assert before.startswith(f"/airflow/ecr-preview/static/main.js?v={__version__}-")
    built.write_text("globalThis.AirflowPlugin = () => 'another';")
    assert react_apps()[0]["bundle_url"] != before


def test_the_pages_can_be_turned_off(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__ECR_PREVIEW__TABS", "False")
    assert react_apps() == []


def test_pages_that_were_not_built_are_not_offered(built: Path) -> None:
    built.unlink()
    assert react_apps() == []


def test_the_settings_are_those_of_the_configuration(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__ECR_PREVIEW__PRICE_PER_GB_MONTH", "0.25")
    settings = server.get("alice", "/ecr-preview/settings").json()
    assert settings == {"price_per_gb_month": 0.25, "image_lists": False, "version": __version__}


def test_the_defaults_are_those_of_the_provider(server: Server) -> None:
    assert server.get("alice", "/ecr-preview/settings").json()["price_per_gb_month"] == 0.10


def test_the_pages_are_served_once_and_then_kept(server: Server, built: Path) -> None:
    path = "/ecr-preview/static/main.js"
    answer = server.get("alice", path, v="1")
    assert answer.text == built.read_text()
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    headers = {**server.headers("alice"), "If-None-Match": answer.headers["etag"]}
    assert server.client.get(path, headers=headers).status_code == 304


def test_a_piece_is_served_by_its_name_as_long_as_it_is_there(server: Server, built: Path) -> None:
    built.with_name("Images-a_B-9.js").write_text("export const images = 1;")
    assert server.get("alice", "/ecr-preview/static/Images-a_B-9.js").text == "export const images = 1;"
    answer = server.get("alice", "/ecr-preview/static/Images-older.js")
    assert (answer.status_code, "Reload the page" in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize("name", ["main.js.map", "../ecr_preview.py", "..%2Fecr_preview.py", "package.json"])
def test_no_other_file_is_served(server: Server, built: Path, name: str) -> None:
    answer = server.get("alice", f"/ecr-preview/static/{name}")
    assert answer.status_code == 404 or "html" in answer.headers["content-type"]


def test_pages_that_were_not_built_are_told_of(server: Server, built: Path) -> None:
    built.unlink()
    assert server.get("alice", "/ecr-preview/static/main.js").status_code == 404
