"""Find the lifecycle policies of a file by its content, whatever its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_ecr_preview.core.files.cloudformation import is_cloudformation, policies_of_template
from airflow_provider_ecr_preview.core.files.found import FoundPolicy, UnreadableFileError
from airflow_provider_ecr_preview.core.files.terraform import is_terraform, policies_of_terraform

READABLE = (
    "Give a lifecycle policy as JSON, the output of `aws ecr get-lifecycle-policy`, of `terraform show -json`, or a "
    "CloudFormation template (JSON or YAML; CDK writes them into cdk.out)."
)

_YAML_ENDINGS = (".yaml", ".yml", ".template")


def read_policies(path: str, text: str, load_yaml: Callable[[str], Any] | None = None) -> list[FoundPolicy]:
    """Return the lifecycle policies of a file.

    Text that is not JSON is returned as a policy, for the linter to explain the mistake; an empty text is no policy.

    :param path: the name of the file, for messages.
    :param text: its content.
    :param load_yaml: decodes YAML with the tags of CloudFormation; None to read JSON alone.
    :raises UnreadableFileError: if it is JSON or YAML that cannot contain a lifecycle policy.
    """
    if not text.strip():
        return [FoundPolicy(path=path)]
    is_yaml = path.lower().endswith(_YAML_ENDINGS) and not text.lstrip().startswith("{")
    try:
        document = load_yaml(text) if is_yaml and load_yaml is not None else json.loads(text)
    except (ValueError, RecursionError) as error:
        if is_yaml:
            raise UnreadableFileError(path, f"this is not YAML: {error}. {READABLE}") from error
        return [FoundPolicy(path=path, text=text)]
    if not isinstance(document, Mapping):
        raise UnreadableFileError(path, f"there is no lifecycle policy in this file. {READABLE}")
    if "rules" in document:
        return [FoundPolicy(path=path, text=json.dumps(document, default=str, skipkeys=True) if is_yaml else text)]
    if isinstance(policy_text := document.get("lifecyclePolicyText"), str):
        name = document.get("repositoryName")
        return [FoundPolicy(path=path, text=policy_text, repository_name=name if isinstance(name, str) else None)]
    if is_terraform(document):
        return policies_of_terraform(path, document)
    if is_cloudformation(document):
        return policies_of_template(path, text, document)
    raise UnreadableFileError(path, f"there is no lifecycle policy in this file. {READABLE}")
