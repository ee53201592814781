"""Find the users of images, with one function per service. Your own source is such a function, too."""

from airflow_provider_ecr_preview.sources.aws import FURTHER_SOURCES, SOURCES
from airflow_provider_ecr_preview.sources.found import ClientOf, FoundReference, InUseSource, UnknownImage

__all__ = ["FURTHER_SOURCES", "SOURCES", "ClientOf", "FoundReference", "InUseSource", "UnknownImage"]
