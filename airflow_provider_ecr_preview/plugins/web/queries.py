"""The parameters of a request for images, which FastAPI checks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BeforeValidator, Field

from airflow_provider_ecr_preview.plugins.web.image_lists import Repository
from airflow_provider_ecr_preview.plugins.web.image_table import Action, ImageFilter, SortColumn

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


Offset = Annotated[int, Query(ge=0, le=2**31)]


Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


Sort = Annotated[SortColumn, Query()]


def _repository(repository_name: Text = None, registry_id: Text = None, region_name: Text = None) -> Repository:
    return Repository(repository_name, registry_id, region_name)


def _image_filter(search: Text = None, action: WantedAction = None, rule: Rule = None) -> ImageFilter:
    return ImageFilter(search or "", action, rule)


WantedRepository = Annotated[Repository, Depends(_repository)]


WantedImages = Annotated[ImageFilter, Depends(_image_filter)]
