"""From an identity to what its account at a target should be."""

from worker.mapping.check import RuleMistake, check_rules, parse_rules, rule_to_json
from worker.mapping.engine import Evaluator, Mapped, MappingEngine, MappingError
from worker.mapping.letters import slug
from worker.mapping.managed import account_hash, comparator_of, secret_names

__all__ = [
    "Evaluator",
    "Mapped",
    "MappingEngine",
    "MappingError",
    "RuleMistake",
    "account_hash",
    "check_rules",
    "comparator_of",
    "parse_rules",
    "rule_to_json",
    "secret_names",
    "slug",
]
