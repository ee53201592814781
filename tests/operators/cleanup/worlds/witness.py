"""Sees every call of every clean-up, and judges those that change something by the state right before them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ecr_preview.local import Call, Fault, Registry
from tests.operators.cleanup.worlds.registry import Place, World, digests_in
from tests.operators.cleanup.worlds.rules import Rules, State, state_of
from tests.operators.cleanup.worlds.transport import Waits

_NO_ANSWER = ("ConnectionReset", "InternalFailure", "LostReply", "ServerException", "TruncatedBody")
CHANGING = ("BatchDeleteImage", "UpdateImageStorageClass")


@dataclass
class Look:
    """The last look at a repository: what was there, and which images were asked for."""

    state: State
    digests: frozenset[str] | None
    call: Call


@dataclass
class Attempt:
    """One attempt at a clean-up, in a thread of its own.

    :param run: which clean-up.
    :param number: which attempt at it.
    """

    run: int
    number: int
    calls: list[Call] = field(default_factory=list)
    looks: dict[Place, Look] = field(default_factory=dict)
    previewed: dict[Place, frozenset[str]] = field(default_factory=dict)
    policy_changed: set[Place] = field(default_factory=set)
    removed: dict[Place, set[str]] = field(default_factory=dict)
    """What its calls deleted or archived, whether it learnt of it or not."""
    touched: dict[Place, set[str]] = field(default_factory=dict)
    """What it asked for."""
    largest: dict[Place, int] = field(default_factory=dict)
    """How many images a repository held at most."""
    kept: Callable[[], str] = lambda: ""
    """Returns all that is written down for the next attempt, as text."""

    @property
    def unanswered(self) -> dict[Place, set[str]]:
        """What it asked for in calls that did not say what became of it."""
        found: dict[Place, set[str]] = {}
        for call in self.calls:
            if call.operation in CHANGING and call.outcome in _NO_ANSWER:
                found.setdefault(place_of(call), set()).update(digests_in(call))
        return found


@dataclass
class Witness:
    """What all attempts did.

    :param world: where.
    :param rules: what must not happen, by repository.
    :param waits: says whether somebody waited.
    """

    world: World
    rules: Mapping[Place, Rules]
    waits: Waits
    complaints: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    """By thread."""
    _before: tuple[Mapping[Place, State], Place, Collection[str]] | None = None

    @property
    def attempt(self) -> Attempt | None:
        """The attempt that runs in this thread; None outside of the clean-ups."""
        return self.attempts.get(threading.get_ident())

    def at_first(self) -> Fault:
        """Return the fault that has to be injected before all others."""
        return _First(self)

    def at_last(self) -> Fault:
        """Return the fault that has to be injected after all others."""
        return _Last(self)

    def complain(self, what: str) -> None:
        """Take down what must not have happened."""
        self.complaints.append(what)

    def sees(self, attempt: Attempt, call: Call) -> None:
        """Look at the world right before a call has its effect."""
        place = place_of(call)
        if call.operation in CHANGING:
            self._judge(attempt, call, place)
            return
        if call.is_mutating:
            self.complain(f"{call.operation} is no call of a clean-up")
        if place not in self.rules:
            return
        if call.operation == "DescribeImages":
            state = state_of(self.world.found(place))
            ids = call.parameters.get("imageIds")
            asked = None if ids is None else frozenset(image_id.get("imageDigest") for image_id in ids)
            attempt.looks[place] = Look(state, asked, call)
            attempt.largest[place] = max(attempt.largest.get(place, 0), len(state))

    def has_seen(self, attempt: Attempt, call: Call, reply: Any) -> None:
        """Look at the world right after a call had its effect."""
        place = place_of(call)
        if call.operation in CHANGING:
            self._compare(attempt)
        elif call.operation == "GetLifecyclePolicyPreview" and place in self.rules:
            preview = self.world.found(place).preview
            if preview is not None:
                attempt.previewed[place] = frozenset(verdict.image.image_digest for verdict in preview._taken)
                is_ours = preview.policy.fingerprint == self.world_fingerprint(place)
                (attempt.policy_changed.discard if is_ours else attempt.policy_changed.add)(place)

    def world_fingerprint(self, place: Place) -> str:
        """Return the fingerprint of the policy that was approved."""
        return self.fingerprints[place]

    fingerprints: dict[Place, str] = field(default_factory=dict)

    def _judge(self, attempt: Attempt, call: Call, place: Place) -> None:
        """Judge a call that changes something by what is there right before it, and was there at the look before it."""
        ids = call.parameters.get("imageIds") or [call.parameters.get("imageId", {})]
        digests = [image_id.get("imageDigest") for image_id in ids]
        named = f"run {attempt.run} attempt {attempt.number}: {call.operation} of {place[2]}"
        if place not in self.rules or not all(digests) or any("imageTag" in image_id for image_id in ids):
            self.complain(f"{named} names {ids}")
            return
        rules, now = self.rules[place], self.world.ecr.now.timestamp()
        state = state_of(self.world.found(place))
        look = self._fresh_look(attempt, place, named)
        written = attempt.kept() if attempt.kept else ""
        for digest in digests:
            attempt.touched.setdefault(place, set()).add(digest)
            if written != _NOT_KEPT and digest not in written:
                self.complain(f"{named}: {digest[7:15]} is not written down before")
            if digest not in state:
                continue
            against = self._against(attempt, place, digest, state, now)
            if look is not None and digest in look.state and (look.digests is None or digest in look.digests):
                excused = against - self._against(attempt, place, digest, look.state, now)
                self.counts["changed within the one call"] += bool(excused)
                against -= excused
            for what in sorted(against):
                self.counts[_HEADLINE.get(what, "touched against another rule")] += 1
                self.complain(f"{named}: {digest[7:15]} is {what}")
        present = {digest for digest in digests if digest in state}
        if present and rules.floor(state, present):
            if look is not None and not rules.floor(look.state, present):
                self.counts["changed within the one call"] += 1
            else:
                self.counts["touched against another rule"] += 1
                self.complain(f"{named}: too few images are left")
        everything = {shelf: state_of(self.world.found(shelf)) for shelf in self.world.places()}
        self._before = everything, place, present

    def _fresh_look(self, attempt: Attempt, place: Place, named: str) -> Look | None:
        """Return the look that this call follows at once; None if anything came between."""
        waited, look = self.waits.take(), attempt.looks.get(place)
        if waited:
            self.complain(f"{named} comes {waited:.1f} s after the last call")
            return None
        previous = attempt.calls[-2] if len(attempt.calls) > 1 else None
        if look is None or look.call is not previous or look.call.outcome != "OK":
            self.complain(f"{named} follows {previous and (previous.operation, previous.outcome)}, not a look")
            return None
        return look

    def _against(self, attempt: Attempt, place: Place, digest: str, state: State, now: float) -> set[str]:
        against = self.rules[place].against(digest, state, now)
        if digest not in attempt.previewed.get(place, frozenset()):
            against.add("not in the fresh preview")
        if place in attempt.policy_changed:
            against.add("of another policy")
        return against

    def _compare(self, attempt: Attempt) -> None:
        """Take down what a call did to all repositories."""
        if self._before is None:
            return
        before, place, asked = self._before
        self._before = None
        for repository, state in before.items():
            now = state_of(self.world.found(repository))
            gone = state.keys() - now.keys()
            changed = {digest for digest in state.keys() & now.keys() if state[digest] != now[digest]}
            if repository == place:
                attempt.removed.setdefault(place, set()).update(gone | changed)
                if not gone | changed <= set(asked):
                    self.complain(f"{place[2]}: what nobody asked for has changed")
            elif repository not in self.rules:
                self.counts["replicas deleted"] += len(gone)
            elif gone or changed:
                self.complain(f"{repository[2]} has changed in the place of {place[2]}")


def place_of(call: Call) -> Place:
    """Return the repository that a call is about."""
    return call.parameters.get("registryId") or call.account or "", call.region, call.repository or ""


_NOT_KEPT = "not kept"
_HEADLINE = {
    "not approved": "touched outside of what was approved",
    "approved to be archived": "touched outside of what was approved",
    "not in the fresh preview": "touched outside of what was approved",
    "protected by a tag": "touched though protected",
    "too young": "touched though protected",
    "pulled lately": "touched though protected",
    "newest": "touched though protected",
    "in use": "touched though in use",
    "touched although it is not known what is in use": "touched though in use",
    "subject of an image that has to stay": "touched though something that stays refers to it",
    "belongs to an image that stays": "touched though something that stays refers to it",
}


def not_kept() -> str:
    """Return what stands for an attempt that has nowhere to write."""
    return _NOT_KEPT


class _First(Fault):
    """Notes each call of a clean-up as it comes, and what it did before others act on it."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def before(self, call: Call, registry: Registry) -> None:
        if (attempt := self._witness.attempt) is not None:
            attempt.calls.append(call)
            if call.operation not in CHANGING:
                self._witness.waits.take()

    def after(self, call: Call, registry: Registry, reply: Any) -> Any:
        if (attempt := self._witness.attempt) is not None:
            self._witness.has_seen(attempt, call, reply)
        return reply


class _Last(Fault):
    """Looks at the world right before a call has its effect, when all others have done what they do."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def before(self, call: Call, registry: Registry) -> None:
        if (attempt := self._witness.attempt) is not None:
            self._witness.sees(attempt, call)
