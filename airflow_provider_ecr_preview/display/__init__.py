"""Text for people: tables in the log, and reports in Markdown."""

from airflow_provider_ecr_preview.display.audit_report import audit_markdown

__all__ = ["audit_markdown"]
