"""``ecr-preview recommend``: find a policy for the images of a file."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping

from airflow_provider_ecr_preview.cli.arguments import AT, OUTPUT, Argument, Command, argument, count
from airflow_provider_ecr_preview.cli.exits import CommandError, ExitCode
from airflow_provider_ecr_preview.cli.inputs import images_in, text_of, time_of
from airflow_provider_ecr_preview.cli.output import as_json, write
from airflow_provider_ecr_preview.core.protection.rules import PROTECTED_TAGS, RECENTLY_PULLED_DAYS, ImageProtection
from airflow_provider_ecr_preview.core.recommendation.case import RepositoryFacts
from airflow_provider_ecr_preview.core.recommendation.keeping import (
    KEEP_RELEASES,
    MAX_RULES,
    SAFE_DAYS,
    SAFE_PUSHES,
    RecommendationSettings,
)
from airflow_provider_ecr_preview.core.recommendation.result import (
    RecommendationRequest,
    recommendation_xcom,
    recommended_policy,
)
from airflow_provider_ecr_preview.core.recommendation.shapes import grouped
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.core.xcom.recommendation import RecommendationXCom
from airflow_provider_ecr_preview.display.recommendation import recommendation_markdown, recommendation_table
from airflow_provider_ecr_preview.display.text import render

WIDTH = 120


def run(arguments: Namespace) -> int:
    """Recommend policies and return the exit code.

    :param arguments: the parsed arguments.
    :raises CommandError: if a file cannot be read, or a number is out of range.
    """
    settings = _settings(arguments)
    in_use = _in_use(arguments.in_use)
    images = images_in(arguments.images)
    if not any(images.values()):
        raise CommandError(f"{', '.join(arguments.images)}: there are no images in these files.")
    request = RecommendationRequest(settings, time_of(arguments.at), in_use_is_known=in_use is not None)
    repositories = [_facts(name or arguments.repository, of, in_use or {}) for name, of in images.items()]
    groups = [repositories] if arguments.share else grouped(repositories)
    found = [recommended_policy(group, request)[1] for group in groups]
    value = recommendation_xcom(found, request)
    write(_RENDER[arguments.format](value), arguments.output)
    return ExitCode.FINDINGS if any(policy["lost_image_count"] for policy in found) else ExitCode.OK


def _settings(arguments: Namespace) -> RecommendationSettings:
    try:
        return RecommendationSettings(
            keep_releases=arguments.keep_releases,
            safe_days=arguments.safe_days,
            safe_pushes=arguments.safe_pushes,
            max_rules=arguments.max_rules,
            protection=ImageProtection(
                protected_tags=arguments.protected_tag or PROTECTED_TAGS,
                recently_pulled_days=arguments.recently_pulled_days,
            ),
        )
    except ValueError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error


def _in_use(path: str | None) -> Mapping[str, None] | None:
    """Return the references of a file, one a line: a digest, a tag, or the address of an image that ends in either."""
    if path is None:
        return None
    lines = (line.strip() for line in text_of(path).splitlines())
    return dict.fromkeys(line for line in lines if line and not line.startswith("#"))


def _facts(name: str | None, images: list[RepositoryImage], in_use: Mapping[str, None]) -> RepositoryFacts:
    name = name or "the repository"
    digests = frozenset(image.image_digest for image in images if _is_used(image, name, in_use))
    return RepositoryFacts(name, images, digests)


def _is_used(image: RepositoryImage, name: str, in_use: Mapping[str, None]) -> bool:
    endings = [image.image_digest, *(f"{name}:{tag}" for tag in image.image_tags)]
    return any(reference.endswith(ending) for reference in in_use for ending in endings)


def _policy(value: RecommendationXCom) -> str:
    texts = {policy["lifecycle_policy_text"] for policy in value["policies"]}
    if len(texts) != 1 or (text := texts.pop()) is None:
        raise CommandError(
            f"--format policy writes one policy, and {len(value['policies'])} were found, of which some may have no rules. "
            "Use --share for one policy for all repositories, or --format json."
        )
    return as_json(json.loads(text))


_RENDER: Mapping[str, Callable[[RecommendationXCom], str]] = {
    "text": lambda value: render(recommendation_table(value), width=WIDTH),
    "json": as_json,
    "markdown": recommendation_markdown,
    "policy": _policy,
}


def _number(name: str, default: int, help_text: str) -> Argument:
    return argument(name, type=count, default=default, metavar="N", help=f"{help_text} (default: {default}).")


COMMAND = Command(
    name="recommend",
    help="Find the policy that keeps what has to be kept and frees the most.",
    description=(
        "Find a lifecycle policy for the images that `aws ecr describe-images` printed. It keeps what is in use, was pulled, "
        "pushed or released recently or has a protected tag, for days and pushes to come, and then frees the most. Calls "
        "nothing and changes nothing."
    ),
    arguments=(
        argument(
            "--images",
            metavar="FILE",
            action="append",
            required=True,
            help="The images of one or more repositories, as `aws ecr describe-images` prints them. Can be repeated.",
        ),
        argument(
            "--in-use",
            metavar="FILE",
            help="The images in use, one a line: a digest, or an address that ends in :tag or @digest.",
        ),
        argument("--repository", metavar="NAME", help="The repository of images that do not name theirs."),
        argument(
            "--share",
            action="store_true",
            help="Recommend one policy for all repositories, instead of one for each group of similar ones.",
        ),
        _number("--keep-releases", KEEP_RELEASES, "How many releases you can roll back to"),
        _number("--safe-days", SAFE_DAYS, "How many days without pushes the images to keep must survive"),
        _number("--safe-pushes", SAFE_PUSHES, "How many pushes of one kind they must survive within these days"),
        _number(
            "--recently-pulled-days", int(RECENTLY_PULLED_DAYS), "Images that were pulled within so many days are kept"
        ),
        _number("--max-rules", MAX_RULES, "How many rules a policy may have"),
        argument(
            "--protected-tag",
            metavar="GLOB",
            action="append",
            help=f"Images with such a tag are kept. Can be repeated (default: {', '.join(PROTECTED_TAGS)}).",
        ),
        AT,
        argument(
            "--format",
            choices=list(_RENDER),
            default="text",
            help="What the output looks like (default: text); policy writes the policy alone.",
        ),
        OUTPUT,
    ),
    run=run,
)
