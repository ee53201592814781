"""Storage classes and actions of lifecycle rules, spelled as ECR's responses spell them: in upper case."""

from __future__ import annotations

STANDARD = "STANDARD"


ARCHIVE = "ARCHIVE"


EXPIRE = "EXPIRE"


TRANSITION = "TRANSITION"


STORAGE_CLASSES = (STANDARD, ARCHIVE)


def storage_class_of(text: str) -> str:
    """Return a storage class as ECR's responses spell it; a policy document spells it in lower case.

    :param text: the storage class, in either spelling.
    :raises ValueError: if there is no such storage class.
    """
    if text.upper() not in STORAGE_CLASSES:
        raise ValueError(f"storage_class is {text!r}. Use {' or '.join(STORAGE_CLASSES)}.")
    return text.upper()
