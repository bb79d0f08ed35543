"""What the console reads and does, over this house: views made of lists, verbs answered in words."""

from worker.service.desk.acts import Acts
from worker.service.desk.approvals import Rules as ApprovalRules
from worker.service.desk.causes import Causes
from worker.service.desk.hooks import Hooks
from worker.service.desk.mappings import Mappings
from worker.service.desk.reads import Reads
from worker.service.desk.repairs import Repairs
from worker.service.desk.rules import Rules
from worker.service.desk.schedules import Schedules

__all__ = ["Acts", "ApprovalRules", "Causes", "Hooks", "Mappings", "Reads", "Repairs", "Rules", "Schedules"]
