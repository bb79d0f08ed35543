"""The JSON API: events in, operations, runs."""

from worker.api.router import build_api

__all__ = ["build_api"]
