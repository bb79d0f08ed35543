"""What the engine needs beside the first schema: order of claims, conflicts, counts, shares of targets."""

from pathlib import Path

from alembic import context, op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent / "sql"
SCRIPTS = (
    "0002_queue.sql",
    "0002_conflicts.sql",
    "0002_counts.sql",
    "0002_shares.sql",
    "0002_history.sql",
    "0002_rights.sql",
)


def upgrade() -> None:
    """Only add: a process of the step before runs on."""
    run_script = context.config.attributes["run_script"]
    run_script(op.get_bind(), "\n".join((SQL / name).read_text(encoding="utf-8") for name in SCRIPTS))
    op.execute("INSERT INTO schema_versions (number, name, oldest_code) VALUES (2, 'engine', 1)")
