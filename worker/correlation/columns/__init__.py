"""Correlation of whole tables: arrays in place of records, for a process of its own.

``correlate_columns`` decides what ``correlate_many`` decides. This room imports numpy, which a daemon does not need for
correlating one at a time: import it where it runs.
"""

from worker.correlation.columns.correlate import correlate_columns
from worker.correlation.columns.decide import DECISIONS, Reason
from worker.correlation.columns.outcome import Outcome
from worker.correlation.columns.prepare import Numbered, Table
from worker.correlation.columns.words import explanations

__all__ = ["DECISIONS", "Numbered", "Outcome", "Reason", "Table", "correlate_columns", "explanations"]
