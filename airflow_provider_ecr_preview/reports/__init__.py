"""Files on object storage: image lists, tables of an audit, and records for later runs."""

from airflow_provider_ecr_preview.reports.lists import read_image_list
from airflow_provider_ecr_preview.reports.owners import read_owners

__all__ = ["read_image_list", "read_owners"]
