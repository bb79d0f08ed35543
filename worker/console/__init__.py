"""The web console: server-rendered pages over the reads and acts it is given.

``build_console`` gives a router; it does no I/O of its own. A page is a read, a template, and links to questions;
every act is a POST with the session's token, answered by a redirect that says in words what happened.
"""

from worker.console.doors import ActResult, ConsoleActs, ConsoleAuth, ConsoleReads, ConsoleSession
from worker.console.router import build_console

__all__ = ["ActResult", "ConsoleActs", "ConsoleAuth", "ConsoleReads", "ConsoleSession", "build_console"]
