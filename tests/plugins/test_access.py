"""Who may read what of ours: no more than Airflow lets them read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi.core_api.security import get_user
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from airflow_provider_ecr_preview.plugins.web.app import app
from airflow_provider_ecr_preview.reports.lists import image_list
from tests.plugins.conftest import Server
from tests.plugins.previews import images, summary

pytestmark = pytest.mark.xdist_group("web")


def walk(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        # Newer releases of FastAPI keep the routers that were included as they are.
        router = getattr(route, "original_router", None)
        yield from walk(router.routes) if router else [route]


ROUTES = [route for route in walk(app.routes) if isinstance(route, APIRoute)]
OF_DAGS = [route for route in ROUTES if "{dag_id}" in route.path]
OF_IMAGES = [route for route in OF_DAGS if "/images" in route.path]


def calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls(inner)


def address(route: APIRoute, server: Server, dag_id: str = "payments") -> str:
    return "/ecr-preview" + route.path.format(dag_id=dag_id, run_id=server.run_id, task_id="preview", name="main.js")


def each(routes: list[APIRoute]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=[route.path for route in routes])


def test_there_is_nothing_but_guarded_routes() -> None:
    assert [route for route in walk(app.routes) if not isinstance(route, APIRoute)] == []
    assert len(ROUTES) == 15
    assert [route.path for route in ROUTES if get_user not in calls(route.dependant)] == []


@each([route for route in ROUTES if route.path not in {"/settings", "/static/{name}"}])
def test_every_route_of_data_has_the_guard_of_one_dag_before_anything_else(route: APIRoute) -> None:
    first = route.dependant.dependencies[0].call
    assert first is not None
    assert first.__qualname__ == "requires_access_dag.<locals>.inner"
    assert "{dag_id}" in route.path


@each(ROUTES)
def test_who_is_not_logged_in_is_refused(preview: Server, route: APIRoute) -> None:
    assert preview.get(None, address(route, preview)).status_code == 401


@each(OF_DAGS)
def test_who_may_not_read_the_dag_is_refused(preview: Server, route: APIRoute) -> None:
    assert preview.get("bob", address(route, preview)).status_code == 403


@each(OF_DAGS)
def test_who_may_read_the_dag_but_not_its_xcom_is_refused(preview: Server, route: APIRoute) -> None:
    assert preview.get("nobody", address(route, preview)).status_code == 403


@each(OF_IMAGES)
def test_who_may_read_the_xcom_reads(preview: Server, route: APIRoute) -> None:
    assert preview.get("alice", address(route, preview)).status_code == 200


@each(OF_DAGS)
def test_a_dag_in_the_query_does_not_stand_for_the_one_in_the_path(preview: Server, route: APIRoute) -> None:
    assert preview.get("bob", address(route, preview), dag_id="search").status_code == 403


@pytest.mark.parametrize("dag_id", ["~", "..", "%2E%2E", "search/../payments", "search%2F..%2Fpayments", "nothing"])
def test_no_other_name_of_a_dag_leads_to_it(preview: Server, dag_id: str) -> None:
    answer = preview.get("bob", preview.path(dag_id))
    assert answer.status_code in {403, 404} or "html" in answer.headers["content-type"]


@pytest.mark.parametrize("credentials", [{"Authorization": "Bearer nonsense"}, {"Cookie": "_token=nonsense"}])
def test_a_malformed_token_is_refused(preview: Server, credentials: dict[str, str]) -> None:
    assert preview.client.get(preview.path(), headers=credentials).status_code in {401, 403}


def test_the_cookie_of_the_session_counts_as_it_does_for_airflow(preview: Server) -> None:
    token = preview.headers("alice")["Authorization"].removeprefix("Bearer ")
    assert preview.client.get(preview.path(), headers={"Cookie": f"_token={token}"}).json()["total"] == 250
    token = preview.headers("bob")["Authorization"].removeprefix("Bearer ")
    assert preview.client.get(preview.path(), headers={"Cookie": f"_token={token}"}).status_code == 403


def test_two_users_see_the_images_of_their_own_dags(server: Server, reports: Path) -> None:
    for dag_id, count in {"payments": 3, "search": 4}.items():
        with image_list(f"file://{reports}/{dag_id}.gz") as written:
            for image in images(count):
                written.write(image)
        server.push(summary(f"file://{reports}/{dag_id}.gz"), dag_id)
    seen = {
        (user, dag_id): server.get(user, server.path(dag_id)).json().get("total")
        for user in ("alice", "bob", "carol")
        for dag_id in ("payments", "search")
    }
    assert seen == {
        ("alice", "payments"): 3,
        ("alice", "search"): None,
        ("bob", "payments"): None,
        ("bob", "search"): 4,
        ("carol", "payments"): 3,
        ("carol", "search"): 4,
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@each(ROUTES)
def test_no_route_takes_what_could_change_something(preview: Server, route: APIRoute, method: str) -> None:
    answer = preview.client.request(method, address(route, preview), headers=preview.headers("alice"))
    assert answer.status_code == 405


@pytest.mark.parametrize("page", ["docs", "redoc", "openapi.json", "docs/oauth2-redirect"])
def test_there_is_no_page_of_the_schema(server: Server, page: str) -> None:
    for user in (None, "alice"):
        assert server.get(user, f"/ecr-preview/{page}").status_code == 404


@pytest.mark.parametrize(
    ("user", "what", "limit", "status"),
    [
        (None, "images", 1, 401),
        ("bob", "images", 1, 403),
        ("alice", "repositories", 1, 404),
        ("alice", "images", 0, 422),
    ],
)
def test_no_refusal_is_kept_by_a_cache(preview: Server, user: str | None, what: str, limit: int, status: int) -> None:
    answer = preview.get(user, preview.path(what=what), limit=limit)
    assert (answer.status_code, answer.headers.get("cache-control")) == (status, "private, no-store")


def test_a_list_that_was_missing_is_read_when_it_is_written_again(preview: Server, reports: Path) -> None:
    (reports / "payments.jsonl.gz").unlink()
    answer = preview.get()
    # Which a browser keeps, unless it is told not to.
    assert (answer.status_code, answer.headers.get("cache-control")) == (410, "private, no-store")


@each(OF_IMAGES)
def test_no_response_about_a_dag_is_cached_or_sniffed_as_another_type(preview: Server, route: APIRoute) -> None:
    headers = preview.get("alice", address(route, preview)).headers
    assert headers["cache-control"] == "private, no-store"
    assert headers["x-content-type-options"] == "nosniff"
