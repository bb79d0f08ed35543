"""Whose account is this: rules that speak for and against, a calibrated confidence, and people's decisions above both.

``CorrelationService`` looks candidates up by their blocking keys and decides about one subject; ``correlate_many``
decides about many with nobody linked twice. Scores are log odds: agreement speaks for a pair, disagreement against it,
a missing value for neither. Nothing is linked by itself below ``auto_threshold``; what is possible but not certain, or
contradicts itself, is for a person.
"""

from worker.correlation.blocking import match_keys
from worker.correlation.bulk import MAX_BLOCK, correlate_many
from worker.correlation.defaults import default_rule_set, rule_set_in_force
from worker.correlation.engine import CandidateSource, CorrelationService, Question
from worker.correlation.evidence import evidence as evidence_of_pair
from worker.correlation.frequency import NameFrequencies
from worker.correlation.guess import guessed_rule_set
from worker.correlation.replay import Past, Replayed, calibration_error, figures, replay_rules
from worker.correlation.replay import added as added_counts
from worker.correlation.replay import sampled as sampled_flips
from worker.correlation.review import Attributes, RuleProblem, expressions_of, keys_differ, review_rule_set
from worker.correlation.rules import RuleSet

__all__ = [
    "MAX_BLOCK",
    "Attributes",
    "CandidateSource",
    "CorrelationService",
    "NameFrequencies",
    "Past",
    "Question",
    "Replayed",
    "RuleProblem",
    "RuleSet",
    "added_counts",
    "calibration_error",
    "correlate_many",
    "default_rule_set",
    "evidence_of_pair",
    "expressions_of",
    "figures",
    "guessed_rule_set",
    "keys_differ",
    "match_keys",
    "replay_rules",
    "review_rule_set",
    "rule_set_in_force",
    "sampled_flips",
]
