"""The JSON API: events in, operations, runs."""

from worker.api.discrepancies import Filters
from worker.api.exports import export_lines
from worker.api.router import build_api
from worker.api.schemas.discrepancies import action_of, discrepancy_of, result_of

__all__ = ["Filters", "action_of", "build_api", "discrepancy_of", "export_lines", "result_of"]
