"""What a real Airflow tells of the images of its tasks, asked by the operator that collects them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import delete, insert, select, update

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from airflow_provider_ecr_preview.sources import airflow, airflow_api
from tests.plugins.conftest import Server
from tests.support.contexts import task_context

pytestmark = pytest.mark.xdist_group("web")

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"

Store = Callable[..., None]

BY_INSTANCE = hasattr(RenderedTaskInstanceFields, "task_instance_id")
"""Since Airflow 3.4, rendered fields belong to a task instance by its id."""


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    """Return what makes a task instance one of an operator, with rendered fields, and takes it back at the end."""
    columns = ("task_instance_id",) if BY_INSTANCE else ("dag_id", "task_id", "run_id", "map_index")
    with create_session() as session:
        before = session.execute(select(TaskInstance.id, TaskInstance.operator)).all()
        fields = [
            {name: getattr(row, name) for name in (*columns, "rendered_fields")}
            for row in session.scalars(select(RenderedTaskInstanceFields)).unique()
        ]

    def store(
        operator: str, rendered: Any, task_id: str = "preview", map_index: int = -1, dag_id: str = "payments"
    ) -> None:
        its = {"dag_id": dag_id, "task_id": task_id, "run_id": server.run_id, "map_index": map_index}
        with create_session() as session:
            done = session.execute(update(TaskInstance).filter_by(**its).values(operator=operator))
            assert done.rowcount == 1
            identity = session.scalar(select(TaskInstance.id).filter_by(**its))
            owner = {"task_instance_id": identity} if BY_INSTANCE else its
            session.execute(delete(RenderedTaskInstanceFields).filter_by(**owner))
            if rendered is not None:
                session.execute(insert(RenderedTaskInstanceFields).values(**owner, rendered_fields=rendered))

    yield store
    with create_session() as session:
        for identity, operator in before:
            session.execute(update(TaskInstance).filter_by(id=identity).values(operator=operator))
        session.execute(delete(RenderedTaskInstanceFields))
        session.execute(insert(RenderedTaskInstanceFields), fields)


@pytest.fixture(autouse=True)
def _connected(server: Server, local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have HTTP reach the application in this process."""

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        path = request.url.raw_path.decode()
        answer = server.client.request(request.method, path, content=request.content, headers=headers)
        return httpx.Response(answer.status_code, content=answer.content)

    class Client(httpx.Client):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**{**kwargs, "transport": httpx.MockTransport(answer)})

    monkeypatch.setattr(airflow_api.httpx, "Client", Client)
    for user in ("carol", "bob"):
        connection = {"conn_type": "http", "host": "http://airflow", "login": user, "password": "secret"}
        monkeypatch.setenv(f"AIRFLOW_CONN_OF_{user.upper()}", json.dumps(connection))


def collect(user: str = "carol", **kwargs: Any) -> Any:
    arguments: dict[str, Any] = {"sources": ["airflow"], "airflow_conn_id": f"of_{user}", "region_names": "us-east-1"}
    operator = EcrCollectImagesInUseOperator(task_id="in_use", **{**arguments, **kwargs})
    return operator.execute(task_context())


def test_images_of_all_kinds_of_tasks_are_found_by_their_rendered_fields(store: Store, local_ecr: LocalEcr) -> None:
    container = {"name": "main", "image": f"{HOST}/ecs:v1", "memory": 64}
    local_ecr.client("ecs").register_task_definition(family="train", containerDefinitions=[container])
    job = {"image": f"{HOST}/batch:v1", "vcpus": 1, "memory": 128}
    local_ecr.client("batch").register_job_definition(
        jobDefinitionName="load", type="container", containerProperties=job
    )
    arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/train:1"
    store("KubernetesPodOperator", {"image": f"{HOST}/pod:v1", "arguments": ["--image", f"{HOST}/started:v1"]})
    store("EcsRunTaskOperator", {"task_definition": "train"}, "mapped", 0)
    store("BatchOperator", {"job_definition": "load"}, "mapped", 1)
    store("SageMakerModelOperator", {"config": {"PrimaryContainer": {"Image": f"{HOST}/model:v1"}}}, dag_id="search")
    store("EcsRunTaskOperator", {"task_definition": arn}, "mapped", 0, dag_id="search")
    store("DockerOperator", {"image": f"{HOST}/docker:v1"}, "mapped", 1, dag_id="search")
    value = collect()
    assert value["is_complete"], value["unread"]
    assert {image["repository_name"]: sorted(image["used_by"]) for image in value["images"]} == {
        "batch": [["Airflow task", "payments.mapped"]],
        "docker": [["Airflow task", "search.mapped"]],
        "ecs": [["Airflow task", "payments.mapped"], ["Airflow task", "search.mapped"]],
        "model": [["Airflow task", "search.preview"]],
        "pod": [["Airflow task", "payments.preview"]],
        "started": [["Airflow task", "payments.preview"]],
    }
    # It is no source of an account and a Region.
    assert value["scope"] == {}


@pytest.fixture
def few_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for no more operators than the tests have tasks of."""
    names = ("KubernetesPodOperator", "DockerOperator", "EcsRunTaskOperator", "BatchOperator")
    monkeypatch.setattr(airflow, "OPERATORS", {name: airflow.OPERATORS[name] for name in names})


@pytest.mark.usefixtures("few_operators")
def test_what_is_not_known_makes_airflow_unread_and_is_all_named(store: Store) -> None:
    store("KubernetesPodOperator", None)
    store("EcsRunTaskOperator", {"task_definition": "gone"}, "mapped", 0)
    store("BatchOperator", {"job_definition": "gone:3"}, "mapped", 1)
    store("KubernetesPodOperator", {"image": f"{HOST}/pod:"}, dag_id="search")
    value = collect()
    (unread,) = value["unread"]
    assert (unread["source"], unread["reference_count"]) == ("airflow", 4)
    for named in ("keeps no rendered fields", "gone is found by no", "gone:3 is found by no", f"'{HOST}/pod:'"):
        assert named in unread["reason"]
    ignored = collect(ignored_references=["payments.*", f"{HOST}/pod:"])
    assert ignored["is_complete"]


@pytest.mark.usefixtures("few_operators")
def test_old_task_instances_are_left_out_where_that_is_wanted(store: Store) -> None:
    store("DockerOperator", {"image": f"{HOST}/docker:v1"})
    with create_session() as session:
        times = session.execute(select(TaskInstance.id, TaskInstance.start_date)).all()
        session.execute(update(TaskInstance).values(start_date=datetime.now(UTC) - timedelta(days=40)))
    try:
        assert collect(airflow_history_days=90)["image_count"] == 1
        assert collect(airflow_history_days="35")["image_count"] == 0
    finally:
        with create_session() as session:
            for identity, start in times:
                session.execute(update(TaskInstance).filter_by(id=identity).values(start_date=start))


def test_whoever_may_not_sign_in_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "http", "host": "airflow", "login": "carol", "password": "wrong-secret"}
    monkeypatch.setenv("AIRFLOW_CONN_OF_CAROL", json.dumps(connection))
    (unread,) = collect()["unread"]
    assert "POST /auth/token answers 401" in unread["reason"]
    assert "wrong-secret" not in json.dumps(unread)


def test_a_connection_without_an_address_is_unread_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OF_CAROL", json.dumps({"conn_type": "http", "login": "carol"}))
    assert "lacks a host or a password" in collect()["unread"][0]["reason"]
