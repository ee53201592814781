"""Files on object storage: image lists, tables of an audit, and what a later run reads again."""

from airflow_provider_ecr_preview.reports.lists import read_image_list

__all__ = ["read_image_list"]
