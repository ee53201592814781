"""A rule as a sentence for a person."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.ecr_values import ARCHIVE, EXPIRE
from airflow_provider_ecr_preview.core.policy.rule import Rule


def rule_sentence(rule: Rule) -> str:
    """Describe a rule, as in ``Expires images tagged v* beyond the newest 30``.

    :param rule: the rule.
    """
    action = "Expires" if rule.action == EXPIRE else "Archives"
    storage = "archived " if rule.storage_class == ARCHIVE else ""
    if rule.tag_status == "tagged":
        images = f"{storage}images tagged {rule.selector}"
    elif rule.tag_status == "untagged":
        images = f"{storage}untagged images"
    else:
        images = f"all {storage}images"
    return f"{action} {images} {_limit(rule)}."


def _limit(rule: Rule) -> str:
    number = rule.count_number
    if rule.count_type == "imageCountMoreThan":
        return f"beyond the newest {number:,}"
    days = "1 day" if number == 1 else f"{number:,} days"
    events = {
        "sinceImagePushed": "pushed",
        "sinceImagePulled": "last pulled",
        "sinceImageTransitioned": "archived",
    }
    return f"{events.get(rule.count_type, rule.count_type)} more than {days} ago"
