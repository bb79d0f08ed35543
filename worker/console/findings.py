"""Discrepancies, actions and held removals in words. Pure."""

from dataclasses import dataclass

from worker.console.views import DiscrepancyRow, HoldView, RunRow, Suggestion
from worker.console.words import Words, count, number, plain, shown

KINDS: dict[str, str] = {
    "missing": "Missing",
    "orphan": "Orphan",
    "mismatch": "Mismatch",
    "collision": "Collision",
    "unlinked": "Unlinked",
    "deleted": "Deleted",
}

MEANINGS: dict[str, str] = {
    "missing": "should have an account and has none",
    "orphan": "an account that belongs to nobody we know",
    "mismatch": "an account whose values are not as wanted",
    "collision": "more than one claims it",
    "unlinked": "an owner was found, no link recorded",
    "deleted": "a linked account that is gone from the target",
}

#: action, with "<" where it goes from the target to us: button, question, effect
WORDING: dict[str, tuple[str, str, str]] = {
    "create": (
        "Create account",
        "Create the account of {who} in {connector}?",
        "An existing match is linked instead.",
    ),
    "create<": ("Create identity", "Create an identity from {account}?", "Its accounts in other targets follow."),
    "update": ("Correct account", "Correct {account} in {connector}?", "The wanted values are written to the target."),
    "update<": ("Take over values", "Take the values of {account} over to {who}?", "Other accounts follow."),
    "delete": ("Delete account", "Delete {account} in {connector}?", "This cannot be undone."),
    "disable": ("Disable account", "Disable {account} in {connector}?", "It can be enabled again."),
    "link": ("Link", "Link {account} to {who}?", "Only the record of it; {connector} is not changed."),
    "unlink": ("Unlink", "Unlink {account} from {who}?", "Only the record of it; {connector} is not changed."),
    "inactivate_identity": ("Deactivate identity", "Deactivate {who}?", "Every account of the identity follows."),
}

#: An act in a record; acts that only a later version knows are told in their own words.
ACTION_WORDS = Words(
    {
        "create": "Create account",
        "update": "Change values",
        "delete": "Delete account",
        "disable": "Disable account",
        "link": "Link",
        "unlink": "Unlink",
        "inactivate_identity": "Deactivate identity",
        "ignore": "Ignore",
        "undo": "Take back",
        "created": "Created",
        "updated": "Updated",
        "unchanged": "Unchanged",
    }
)

RESULT_WORDS = Words(
    {
        "proposed": "Proposed",
        "queued": "Under way",
        "success": "Done",
        "failure": "Failed",
        "dropped": "Dropped",
    }
)

#: What happens by itself; with "<" where it goes from the target to us.
POLICY_WORDS: dict[str, str] = {
    "create": "The account is made",
    "update": "The account gets the wanted values",
    "update<": "The identity takes the account’s values over",
    "delete": "The account is deleted",
    "link": "It is linked to its owner",
    "unlink": "The link is forgotten",
    "inactivate_identity": "The identity is deactivated",
}

#: What a person can take back.
_UNDONE = frozenset({"update", "link", "unlink", "inactivate_identity"})

HELD_WORDS = {
    "deactivate": "deactivate the person",
    "delete": "delete the account",
    "disable": "disable the account",
    "unlink": "unlink the account",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to settle a finding: what its button says, the question before it, and what it does."""

    action: str
    direction: str
    label: str
    question: str
    effect: str
    is_removal: bool = False


def sentence(row: DiscrepancyRow, *, connector: str) -> str:
    """What was found, in one sentence."""
    who = row.identity_name or "Somebody"
    account = row.account_name or row.external_uid or "an account"
    match row.discrepancy_type:
        case "missing":
            return f"{who} should have an account in {connector} and has none."
        case "orphan":
            return f"{connector} has the account {account}, and nobody we know owns it."
        case "mismatch":
            return f"{who}: {_differences(row)} in {connector}."
        case "collision":
            return _collision(row, account=account, connector=connector)
        case "unlinked":
            return f"{account} in {connector} belongs to {who}, but no link is recorded."
        case "deleted":
            return f"The account {account} of {who} was linked and is gone from {connector}."
        case other:
            return f"{plain(other)}: {account} in {connector}."


def choice(suggestion: Suggestion, row: DiscrepancyRow, *, connector: str, owner: str | None = None) -> Choice:
    """A suggestion as a button; ``owner`` is the identity that was picked from several candidates."""
    account = row.account_name or row.external_uid or "the account"
    who = owner or row.identity_name or "its owner"
    towards_us = suggestion.direction == "target_to_xavyo"
    words = WORDING.get(f"{suggestion.action}<" if towards_us else suggestion.action) or WORDING.get(suggestion.action)
    label, question, effect = words or (plain(suggestion.action), "{account} in {connector}?", "")
    names = {"account": account, "who": who, "connector": connector}
    is_removal = suggestion.action in {"delete", "unlink", "inactivate_identity", "disable"}
    return Choice(
        suggestion.action,
        suggestion.direction,
        label,
        question.format_map(names),
        effect.format_map(names),
        is_removal,
    )


def needs_choice(row: DiscrepancyRow) -> bool:
    """Whether a person must first say whose account it is, so that it cannot be repaired among many."""
    first = row.suggestions[0] if row.suggestions else None
    return first is not None and first.action == "link" and row.identity_id is None


def can_undo(row: DiscrepancyRow) -> bool:
    """Whether what settled it can be tried to be taken back: no deletion, no new account, nothing settled by itself."""
    if row.resolution_status == "ignored":
        return True
    return row.resolution_status == "resolved" and row.resolved_action in _UNDONE


def policy_words(choice: str) -> str:
    """An entry of a policy, "action" or "action:direction", as a sentence."""
    action, _, direction = choice.partition(":")
    return POLICY_WORDS.get(f"{action}<" if direction == "target_to_xavyo" else action) or plain(action)


def held_things(hold: HoldView) -> str:
    """What the safeguard holds, as a title: "12 removals in app"."""
    if hold.kind == "source":
        return f"{count(hold.removals, 'person', 'people')} missing from {hold.connector_name}"
    if hold.kind == "target":
        return f"{count(hold.removals, 'account')} missing from the listing of {hold.connector_name}"
    if hold.kind == "growth":
        return f"{count(hold.removals, 'repair')} in {hold.connector_name}"
    return f"{count(hold.removals, 'removal')} in {hold.connector_name}"


def hold_sentence(hold: HoldView) -> str:
    """What would happen, and against what the safeguard allows."""
    if hold.kind == "source":
        return f"{count(hold.removals, 'person', 'people')} would become inactive, and their accounts would follow."
    if hold.kind == "target":
        return (
            f"{count(hold.removals, 'account')} would count as deleted, and be repaired as the connector's policy says."
        )
    if hold.kind == "growth":
        return f"{count(hold.removals, 'repair')} would be made by the connector's policy, which is unusual here."
    return (
        f"{count(hold.removals, 'removal')} in {hold.connector_name} wait. Without a person's word at most "
        f"{number(hold.allowed)} of its {count(hold.accounts, 'account')} may be removed in 24 hours"
        + (f", and {number(hold.used)} already were." if hold.used else ".")
    )


def run_name(run: RunRow) -> str:
    """ "Full dry run", "Delta run", "Import", "Look at 1 account"."""
    if run.kind == "import":
        return "Import dry run" if run.dry_run else "Import"
    if run.only is not None:
        return f"{'Dry look' if run.dry_run else 'Look'} at {count(run.only, 'account')}"
    return f"{run.mode.capitalize()} {'dry run' if run.dry_run else 'run'}"


def run_status(run: RunRow) -> tuple[str, str]:
    """The family of colours and the words of a run's status; errors of items are said, not hidden."""
    if run.status == "completed" and run.items_error:
        return "amber", "Completed with errors"
    if run.status == "paused":
        reason = {
            "safeguard": "Paused by the safeguard",
            "person": "Paused",
            "shutdown": "Paused for a restart",
            "target": "Waiting for the other side",
        }
        return "purple", reason.get(run.pause_reason or "", "Paused")
    family = {"pending": "gray", "running": "blue", "completed": "green", "failed": "red", "cancelled": "muted"}
    return family.get(run.status, "gray"), plain(run.status)


def run_share(run: RunRow, expected: int | None = None) -> float | None:
    """How far a run is, 0..1; None while its size is unknown."""
    total = expected or run.accounts_total
    return min(1.0, run.accounts_processed / total) if total else None


def _differences(row: DiscrepancyRow) -> str:
    if not row.attributes:
        return "the account differs"
    first = row.attributes[0]
    rest = len(row.attributes) - 1
    also = f", and {count(rest, 'more attribute')}" if rest else ""
    if first.is_secret:
        return f"{first.name} is not as wanted{also}"
    if first.name == "active" and isinstance(first.after, bool):
        now, wanted = ("disabled", "enabled") if first.after else ("enabled", "disabled")
        return f"the account is {now} and should be {wanted}{also}"
    if first.before in (None, "", []):
        return f"{first.name} is empty and should be “{shown(first.after)}”{also}"
    if first.after in (None, "", []):
        return f"{first.name} is “{shown(first.before)}” and should be empty{also}"
    return f"{first.name} is “{shown(first.before)}” and should be “{shown(first.after)}”{also}"


def _collision(row: DiscrepancyRow, *, account: str, connector: str) -> str:
    if len(row.candidates) == 1:
        return f"The account {account} in {connector} may belong to {row.candidates[0][1]}: a person must say."
    return f"{account} in {connector} is claimed by {_claimants(row)}."


def _claimants(row: DiscrepancyRow) -> str:
    names = [name for _, name in row.candidates[:3]]
    more = len(row.candidates) - len(names)
    if more > 0:
        names.append(f"{more} more")
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "several identities"
