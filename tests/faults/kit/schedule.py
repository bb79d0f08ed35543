"""What happens when: a schedule drawn from a seed. Pure, so the same seed and profile give the same schedule."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """What the nemesis does."""

    KILL = "kill"  # kill -9 of a daemon that holds operations
    PAUSE = "pause"  # SIGSTOP of one for longer than its lease, then SIGCONT
    TERM = "term"  # SIGTERM under load; the daemon must end by itself and leave nothing behind
    CRASH = "crash"  # immediate restart of PostgreSQL
    TERMINATE = "terminate"  # pg_terminate_backend of every connection of the daemons
    LOSE_COMMIT = "lose_commit"  # the reply of a COMMIT never arrives, the connection is cut instead
    CUT_MESSAGE = "cut_message"  # cut before a message of a kind that PostgreSQL sends
    CUT_BYTES = "cut_bytes"  # cut in the middle of whatever is on its way, in either direction
    RESET = "reset"  # RST on all connections
    BLACKHOLE = "blackhole"  # nothing passes for a while, then all connections are reset
    DELAY = "delay"  # everything takes longer for a while
    LONG_TRANSACTION = "long_transaction"  # an old snapshot is held
    LANES_LOCKED = "lanes_locked"  # somebody keeps rows of lanes locked
    TARGET_LOSES_REPLY = "target_loses_reply"  # the target carries out a change, its answer never arrives
    TARGET_RESET = "target_reset"  # RST on all connections to the target


#: Messages of PostgreSQL before which a connection is cut: CommandComplete, ReadyForQuery, DataRow, ParseComplete,
#: BindComplete, ParameterDescription.
MESSAGES = "CZD12t"


@dataclass(frozen=True, slots=True)
class Step:
    """One act of the nemesis: ``after`` seconds of waiting, what, and the numbers that decide how."""

    after: float
    fault: Fault
    #: Which daemon, connection or account: taken modulo how many there are.
    pick: int
    #: How long, from 0 to 1; what that means in seconds is the fault's own matter.
    length: float
    message: str = "C"


@dataclass(frozen=True, slots=True)
class Profile:
    """How much of everything, how many daemons, and how closely one fault follows the other."""

    name: str
    faults: Mapping[Fault, int]
    daemons: int = 6
    accounts: int = 4_000
    #: Operations that wait: enough for every daemon to hold some.
    depth: int = 800
    lease_s: float = 1.5
    gap_s: float = 0.08
    heal_within_s: float = 120.0

    def scaled(self, share: float) -> "Profile":
        """The same in kind, with this share of the faults."""
        faults = {fault: max(1, round(count * share)) for fault, count in self.faults.items()}
        return replace(self, name=f"{self.name} x {share:g}", faults=faults)


def _others(count: int) -> dict[Fault, int]:
    kinds = [fault for fault in Fault if fault not in {Fault.KILL, Fault.PAUSE, Fault.CRASH, Fault.TERM}]
    return dict.fromkeys(kinds, count)


PROFILES = {
    "quick": Profile(
        "quick",
        {Fault.KILL: 10, Fault.PAUSE: 10, Fault.TERM: 2, Fault.CRASH: 1, **_others(1)},
        daemons=4,
        accounts=800,
        depth=400,
    ),
    "smoke": Profile("smoke", {Fault.KILL: 105, Fault.PAUSE: 105, Fault.TERM: 8, Fault.CRASH: 5, **_others(3)}),
    "full": Profile("full", {Fault.KILL: 2_000, Fault.PAUSE: 1_000, Fault.TERM: 100, Fault.CRASH: 125, **_others(40)}),
}


def schedule(profile: Profile, *, seed: int) -> list[Step]:
    """Every fault of the profile in an order and at moments that the seed decides."""
    rng = Random(seed)
    kinds = [fault for fault, count in profile.faults.items() for _ in range(count)]
    rng.shuffle(kinds)
    return [
        Step(rng.uniform(0, 2 * profile.gap_s), kind, rng.randrange(1_000_000), rng.random(), rng.choice(MESSAGES))
        for kind in kinds
    ]


@dataclass(slots=True)
class Tally:
    """How often each fault was done, and how often it hit something."""

    done: dict[Fault, int] = field(default_factory=dict)
    hit: dict[Fault, int] = field(default_factory=dict)

    def note(self, fault: Fault, *, hit: bool) -> None:
        self.done[fault] = self.done.get(fault, 0) + 1
        self.hit[fault] = self.hit.get(fault, 0) + int(hit)
