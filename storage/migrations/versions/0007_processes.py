"""Which processes are alive, and the encryption keys that they know."""

import sqlalchemy as sa
from alembic import op

from storage.tables import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Which processes are alive, and the encryption keys that they know."""
    op.create_table(
        "process",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("fingerprints", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process")),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("process")
