"""Add operations that moto lacks to services other than ECR."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib import import_module
from typing import Any, ClassVar
from unittest.mock import patch

from botocore import xform_name
from moto.core.responses import ActionResult

from airflow_provider_ecr_preview.local.calls import Call
from airflow_provider_ecr_preview.local.reply import Reply

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the parameters of a call and returns the answer."""


class Extension:
    """Adds operations to a moto service when that service is first used, because importing it is slow.

    moto writes answers as botocore's model defines them, and drops members that the model lacks.

    :param refusal: returns the reply of a fault that replaces an answer.
    """

    service: ClassVar[str]
    """The name of the service."""
    responses: ClassVar[str]
    """The moto module and class that answer."""

    def __init__(self, refusal: Callable[[Call], Reply | None]) -> None:
        self._refusal = refusal
        self._stack: ExitStack | None = None
        self._lock = threading.Lock()

    def answers(self) -> Mapping[str, Answer]:
        """Return the function that answers each operation, by the name of the operation."""
        raise NotImplementedError

    def install(self) -> None:
        """Make moto answer the operations."""
        with self._lock:
            if self._stack is not None:
                return
            module, _, name = self.responses.rpartition(".")
            responses = getattr(import_module(module), name)
            self._stack = ExitStack()
            for operation, answer in self.answers().items():
                method = self._method(operation, answer)
                self._stack.enter_context(patch.object(responses, xform_name(operation), method, create=True))

    def uninstall(self) -> None:
        """Restore the service."""
        with self._lock:
            if self._stack is not None:
                self._stack.close()
            self._stack = None

    def _method(self, operation: str, answer: Answer) -> Callable[[Any], Any]:
        def respond(response: Any) -> Any:
            parameters = response._get_params()  # noqa: SLF001  # like moto's own responses
            account = response.current_account
            call = Call(operation, None, response.region, parameters, service=self.service, account=account)
            if (reply := self._refusal(call)) is not None:
                # moto reads the status from the headers.
                return reply.status, {**reply.headers, "status": str(reply.status)}, reply.body
            return ActionResult(answer(parameters))

        return respond
