"""A lifecycle policy found in a file."""

from __future__ import annotations

from dataclasses import dataclass


class UnreadableFileError(ValueError):
    """Raised when a file is not what it is read as; the message names the file and says what can be read.

    :param path: the file.
    :param reason: what is wrong with it, as a sentence.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPolicy:
    """A lifecycle policy in a file, or the reason why the file does not say what it is.

    :param path: the file.
    :param address: which resource of the file, such as ``aws_ecr_lifecycle_policy.api``; empty where the file is a policy.
    :param repository_name: the repository, or None where the file does not name it.
    :param text: the policy; None where the repository is to have none, or where the policy is not known.
    :param unknown: why the policy is not known, as a sentence; None where it is known.
    :param former_text: the policy that the repository has before, as far as the file says so; None for no policy.
    :param has_former: whether the file says what the repository has before, as a Terraform plan does.
    :param line: where it begins, counted from 1.
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
        """How messages name the policy: its file, with the resource in it."""
        return f"{self.path} ({self.address})" if self.address else self.path
