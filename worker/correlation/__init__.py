"""Whose account is this: rules that speak for and against, a calibrated confidence, and people's decisions above both.

``CorrelationService`` looks candidates up by their blocking keys and decides about one subject; ``correlate_many``
decides about many with nobody linked twice. Scores are log odds: agreement speaks for a pair, disagreement against it,
a missing value for neither. Nothing is linked by itself below ``auto_threshold``; what is possible but not certain, or
contradicts itself, is for a person. ``correlate_columns`` decides the same about whole tables, for a process of its
own: what it needs is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from worker.correlation.asking import (
    MOST_CANDIDATES,
    About,
    Asker,
    Occasion,
    correlating,
    held_of,
    words_about,
)
from worker.correlation.blocking import keys_of_texts, match_keys, reading_of
from worker.correlation.bulk import MAX_BLOCK, LookedUp, correlate_many, looked_up, nearest
from worker.correlation.defaults import default_rule_set, rule_set_in_force
from worker.correlation.engine import CandidateSource, CorrelationService, Hear, Question
from worker.correlation.evidence import evidence as evidence_of_pair
from worker.correlation.frames import FRAME_HEAD, NO_ROOM, Frame, frame_head, frame_of, frame_value, frame_with
from worker.correlation.frequency import NameFrequencies
from worker.correlation.guess import guessed_rule_set
from worker.correlation.learn import calibrated, cross_checked
from worker.correlation.prepare import Prepared, name_of
from worker.correlation.replay import Past, Replayed, calibration_error, figures, replay_rules
from worker.correlation.replay import added as added_counts
from worker.correlation.replay import binned as binned_pairs
from worker.correlation.replay import sampled as sampled_flips
from worker.correlation.review import Attributes, RuleProblem, expressions_of, keys_differ, review_rule_set
from worker.correlation.rules import RuleSet
from worker.correlation.told import (
    NOTHING,
    Held,
    Told,
    Word,
    folded,
    has_expressions,
    keys_of_words,
    sides,
    texts_of_person,
)

if TYPE_CHECKING:
    from worker.correlation.columns import DECISIONS, Numbered, Outcome, Table, correlate_columns, explanations
    from worker.correlation.refine import refined

__all__ = [
    "DECISIONS",
    "FRAME_HEAD",
    "MAX_BLOCK",
    "MOST_CANDIDATES",
    "NOTHING",
    "NO_ROOM",
    "About",
    "Asker",
    "Attributes",
    "CandidateSource",
    "CorrelationService",
    "Frame",
    "Hear",
    "Held",
    "LookedUp",
    "NameFrequencies",
    "Numbered",
    "Occasion",
    "Outcome",
    "Past",
    "Prepared",
    "Question",
    "Replayed",
    "RuleProblem",
    "RuleSet",
    "Table",
    "Told",
    "Word",
    "added_counts",
    "binned_pairs",
    "calibrated",
    "calibration_error",
    "correlate_columns",
    "correlate_many",
    "correlating",
    "cross_checked",
    "default_rule_set",
    "evidence_of_pair",
    "explanations",
    "expressions_of",
    "figures",
    "folded",
    "frame_head",
    "frame_of",
    "frame_value",
    "frame_with",
    "guessed_rule_set",
    "has_expressions",
    "held_of",
    "keys_differ",
    "keys_of_texts",
    "keys_of_words",
    "looked_up",
    "match_keys",
    "name_of",
    "nearest",
    "reading_of",
    "refined",
    "replay_rules",
    "review_rule_set",
    "rule_set_in_force",
    "sampled_flips",
    "sides",
    "texts_of_person",
    "words_about",
]

_OF_COLUMNS = frozenset({"DECISIONS", "Numbered", "Outcome", "Table", "correlate_columns", "explanations"})


def __getattr__(name: str) -> Any:
    if name == "refined":
        return import_module("worker.correlation.refine").refined
    if name not in _OF_COLUMNS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("worker.correlation.columns"), name)
