"""The JSON API: events in, operations, runs."""

from worker.api.discrepancies import Filters
from worker.api.exports import export_lines
from worker.api.router import build_api

__all__ = ["Filters", "build_api", "export_lines"]
