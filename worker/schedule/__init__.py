"""When something is to happen again."""

from worker.schedule.calendar import Decision, check_schedule, decide, jitter_of, next_occurrence, upcoming

__all__ = ["Decision", "check_schedule", "decide", "jitter_of", "next_occurrence", "upcoming"]
