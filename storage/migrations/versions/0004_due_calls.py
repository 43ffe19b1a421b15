"""The calls in the order in which they are due, whatever their state: a claim reads the first of a long backlog."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.create_index("ix_call_due_at_id", ["due_at", "id"], unique=False)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.drop_index("ix_call_due_at_id")
