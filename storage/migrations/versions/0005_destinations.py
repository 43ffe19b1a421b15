"""Where each notice goes, so that a channel gets one message at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it."""
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.add_column(sa.Column("destination", sa.String(80), server_default="", nullable=False))
        batch_op.create_index("ix_notice_destination_state", ["destination", "state"], unique=False)
        batch_op.create_index("ix_notice_destination_told_at", ["destination", "told_at"], unique=False)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_destination_told_at")
        batch_op.drop_index("ix_notice_destination_state")
        batch_op.drop_column("destination")
