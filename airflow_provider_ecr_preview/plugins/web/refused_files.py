"""Remember refused files, so that they are not read again only to be refused again."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from threading import Lock

from cachetools import TTLCache

from airflow_provider_ecr_preview.core.bounded_reading import TooMuchError, TooSlowError

MAX_REMEMBERED = 1_000


SECONDS = 600


SECONDS_IF_SLOW = 60


class Refusals:
    """Remembers for a while why files were refused.

    :param clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._refused: TTLCache[Hashable, ValueError] = TTLCache(MAX_REMEMBERED, SECONDS, clock)
        self._slow: TTLCache[Hashable, ValueError] = TTLCache(MAX_REMEMBERED, SECONDS_IF_SLOW, clock)
        self._lock = Lock()

    @contextmanager
    def remembered(self, key: Hashable) -> Iterator[None]:
        """Remember the ValueError that ends the block.

        :param key: what is read in the block, as it is now: its address and its checksum.
        """
        try:
            yield
        except ValueError as error:
            refusals = self._slow if isinstance(error, TooSlowError) else self._refused
            with self._lock:
                refusals[key] = error.with_traceback(None)
            raise

    def check(self, key: Hashable) -> None:
        """Raise if this was refused.

        :param key: as for :meth:`remembered`.
        :raises ValueError: as it was.
        """
        with self._lock:
            refusal = self._refused.get(key) or self._slow.get(key)
        if refusal is not None:
            kind = type(refusal) if isinstance(refusal, TooMuchError) else ValueError
            raise kind(str(refusal))
