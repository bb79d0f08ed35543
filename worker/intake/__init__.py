"""How changes reach identities: events from outside, and sources that are read.

Guarantees:

- an event is on disk before it is acknowledged, applied at most once, and in the order it came;
- an import writes only rows that changed, notes each page with its checkpoint in one transaction, and goes on after a
  crash where it stopped;
- a listing that is incomplete or far shorter than the last one removes nobody before a person has agreed;
- whatever changes an identity asks for its planning in the same transaction.
"""

from worker.intake.events import MAX_BODY, CloudEvent, parse
from worker.intake.inbox import InboxProcessor, Processed
from worker.intake.receiver import EventReceiver, Received
from worker.intake.sources import Importer
from worker.intake.watch import SourceWatcher, Watched

__all__ = [
    "MAX_BODY",
    "CloudEvent",
    "EventReceiver",
    "Importer",
    "InboxProcessor",
    "Processed",
    "Received",
    "SourceWatcher",
    "Watched",
    "parse",
]
