"""From an identity to what its account at a target should be."""

from worker.mapping.check import check_rules, parse_rules, rule_to_json
from worker.mapping.documents import DocumentError, read_document
from worker.mapping.engine import Computed, Evaluator, Mapped, MappingEngine, MappingError
from worker.mapping.fitting import check_secrets
from worker.mapping.inbound import InboundRule, NoWord, compute, inbound_rules
from worker.mapping.letters import slug
from worker.mapping.managed import account_hash, account_hashes, comparator_of, secret_names, secret_sources
from worker.mapping.mistakes import RuleMistake, Severity
from worker.mapping.pacing import Pace, Steps
from worker.mapping.review import Review, Surroundings, review_document, review_rules
from worker.mapping.spec import suggest
from worker.mapping.transforms import TRANSFORMS

__all__ = [
    "TRANSFORMS",
    "Computed",
    "DocumentError",
    "Evaluator",
    "InboundRule",
    "Mapped",
    "MappingEngine",
    "MappingError",
    "NoWord",
    "Pace",
    "Review",
    "RuleMistake",
    "Severity",
    "Steps",
    "Surroundings",
    "account_hash",
    "account_hashes",
    "check_rules",
    "check_secrets",
    "comparator_of",
    "compute",
    "inbound_rules",
    "parse_rules",
    "read_document",
    "review_document",
    "review_rules",
    "rule_to_json",
    "secret_names",
    "secret_sources",
    "slug",
    "suggest",
]
