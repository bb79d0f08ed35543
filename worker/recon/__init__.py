"""Compares what a target has with what it should have, records every discrepancy, and repairs through the queue.

Guarantees:

- a run that is killed anywhere and taken up again ends as one that was not: a page's checkpoint and all that it found
  are one transaction, fenced by the run's owner and epoch;
- nothing is concluded from a listing that is not proven complete, and nothing counts as deleted before a single read;
- the same finding is the same row in every run; an unchanged target is compared without writing an account;
- a dry run proposes exactly what the real run does.
"""

from worker.recon.asking import Answer, whose
from worker.recon.backtests import Backtests, replayed_page, settled_pasts
from worker.recon.engine import ReconciliationEngine
from worker.recon.examine import LONGEST_UID, can_be_kept
from worker.recon.exports import csv_header, csv_line, json_line
from worker.recon.groups import CauseRepaired, CauseRepairing, cause_words, chosen, describe
from worker.recon.hearing import occasion_at
from worker.recon.keeping import Keeping
from worker.recon.links import why_not_linked
from worker.recon.looks import Look
from worker.recon.pacing import expected, pace, seconds_left
from worker.recon.policies import checked as checked_policy
from worker.recon.policies import choices_of, rules_of
from worker.recon.proposals import Wish
from worker.recon.remediate import Remediation, Repaired, Repairs
from worker.recon.reports import report
from worker.recon.retention import Retention, Retired, Terms
from worker.recon.retroactive import Recorrelation
from worker.recon.trend import Point, trend_of

__all__ = [
    "LONGEST_UID",
    "Answer",
    "Backtests",
    "CauseRepaired",
    "CauseRepairing",
    "Keeping",
    "Look",
    "Point",
    "ReconciliationEngine",
    "Recorrelation",
    "Remediation",
    "Repaired",
    "Repairs",
    "Retention",
    "Retired",
    "Terms",
    "Wish",
    "can_be_kept",
    "cause_words",
    "checked_policy",
    "choices_of",
    "chosen",
    "csv_header",
    "csv_line",
    "describe",
    "expected",
    "json_line",
    "occasion_at",
    "pace",
    "replayed_page",
    "report",
    "rules_of",
    "seconds_left",
    "settled_pasts",
    "trend_of",
    "whose",
    "why_not_linked",
]
