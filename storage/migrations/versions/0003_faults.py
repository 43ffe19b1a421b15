"""How often work on a row failed unforeseen."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it."""
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.add_column(sa.Column("faults", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("connection", schema=None) as batch_op:
        batch_op.add_column(sa.Column("faults", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.add_column(sa.Column("faults", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("policy", schema=None) as batch_op:
        batch_op.add_column(sa.Column("faults", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("faults", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.drop_column("faults")

    with op.batch_alter_table("policy", schema=None) as batch_op:
        batch_op.drop_column("faults")

    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_column("faults")

    with op.batch_alter_table("connection", schema=None) as batch_op:
        batch_op.drop_column("faults")

    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.drop_column("faults")
