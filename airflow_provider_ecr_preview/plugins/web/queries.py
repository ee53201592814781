"""The parameters of a request for images, which FastAPI checks."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BeforeValidator, Field

from airflow_provider_ecr_preview.plugins.web.image_filter import Action, ImageFilter
from airflow_provider_ecr_preview.plugins.web.image_lists import Repository
from airflow_provider_ecr_preview.plugins.web.image_table import MAX_NUMBER, SortColumn

MAX_PAGE = 500


DEFAULT_PAGE = 100


_NOT_MAPPED = -1


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _map_index(value: Any) -> Any:
    # Airflow leaves the placeholder as it is where a task is not mapped.
    return _NOT_MAPPED if value in ("", "{MAP_INDEX}") else value


MapIndex = Annotated[int, BeforeValidator(_map_index), Query(ge=_NOT_MAPPED)]


Text = Annotated[Annotated[str, Field(max_length=300)] | None, BeforeValidator(_none_if_empty), Query()]


WantedAction = Annotated[Action | None, BeforeValidator(_none_if_empty), Query()]


Rule = Annotated[Annotated[int, Field(ge=0, le=2**31)] | None, BeforeValidator(_none_if_empty), Query()]


Day = Annotated[Annotated[date, Field(ge=date(1970, 1, 1))] | None, BeforeValidator(_none_if_empty), Query()]


Bytes = Annotated[Annotated[int, Field(ge=0, le=MAX_NUMBER)] | None, BeforeValidator(_none_if_empty), Query()]


Days = Annotated[Annotated[int, Field(ge=0, le=36_500)] | None, BeforeValidator(_none_if_empty), Query()]


Offset = Annotated[int, Query(ge=0, le=2**31)]


Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


Sort = Annotated[SortColumn, Query()]


def _repository(repository_name: Text = None, registry_id: Text = None, region_name: Text = None) -> Repository:
    return Repository(repository_name, registry_id, region_name)


def _image_filter(
    *,
    search: Text = None,
    action: WantedAction = None,
    rule: Rule = None,
    pushed_from: Day = None,
    pushed_to: Day = None,
    min_bytes: Bytes = None,
    max_bytes: Bytes = None,
    never_pulled: bool = False,
    not_pulled_days: Days = None,
) -> ImageFilter:
    return ImageFilter(
        search=search or "",
        action=action,
        rule=rule,
        pushed_from=pushed_from,
        pushed_to=pushed_to,
        min_bytes=min_bytes,
        max_bytes=max_bytes,
        never_pulled=never_pulled,
        not_pulled_days=not_pulled_days,
    )


WantedRepository = Annotated[Repository, Depends(_repository)]


WantedImages = Annotated[ImageFilter, Depends(_image_filter)]
