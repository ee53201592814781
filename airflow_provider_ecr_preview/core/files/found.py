"""A lifecycle policy found in a file."""

from __future__ import annotations

from dataclasses import dataclass


class UnreadableFileError(ValueError):
    """Raised when a file is of the wrong kind; the message names the file and the kinds that can be read.

    :param path: the file.
    :param reason: what is wrong with it, as a sentence.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPolicy:
    """A lifecycle policy in a file, or the reason why it is unknown.

    :param path: the file.
    :param address: the resource in the file, such as ``aws_ecr_lifecycle_policy.api``; empty if the file is a policy.
    :param repository_name: the repository, or None if the file does not name it.
    :param text: the policy; None if the repository is to have none, or if the policy is unknown.
    :param unknown: why the policy is unknown, as a sentence; None if it is known.
    :param former_text: the policy that the repository has before the change, if the file says so; None for no policy.
    :param has_former: whether the file includes the policy before the change, as a Terraform plan does.
    :param line: the line on which it begins, counted from 1.
    """

    path: str
    address: str = ""
    repository_name: str | None = None
    text: str | None = None
    unknown: str | None = None
    former_text: str | None = None
    has_former: bool = False
    line: int = 1

    @property
    def name(self) -> str:
        """The name of the policy in messages: its file and resource."""
        return f"{self.path} ({self.address})" if self.address else self.path
