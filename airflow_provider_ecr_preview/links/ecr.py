"""Links to the Amazon ECR console."""

from __future__ import annotations

from airflow.providers.amazon.aws.links.base_aws import BASE_AWS_CONSOLE_LINK, BaseAwsLink


class EcrRepositoryLink(BaseAwsLink):
    """Link to a repository in the Amazon ECR console."""

    name = "Amazon ECR Repository"
    key = "ecr_repository"
    format_str = (
        BASE_AWS_CONSOLE_LINK + "/ecr/repositories/private/{registry_id}/{repository_name}?region={region_name}"
    )
