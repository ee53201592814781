"""Files on object storage: image lists, tables of an audit, and records for later runs."""

from airflow_provider_ecr_preview.reports.lists import read_image_list

__all__ = ["read_image_list"]
