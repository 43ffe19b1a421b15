"""Policies, decisions on requests, and where each audit chain ends."""

import sqlalchemy as sa
from alembic import op

from storage.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Policies, decisions on requests, and where each audit chain ends."""
    op.create_table(
        "policy",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rules", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("changed_by", sa.String(32), nullable=False),
        sa.Column("deduplication_key", sa.String(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_policy_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint("deduplication_key", name=op.f("uq_policy_deduplication_key")),
    )
    with op.batch_alter_table("policy", schema=None) as batch_op:
        batch_op.create_index("ix_policy_state_due_at", ["state", "due_at"], unique=False)
        batch_op.create_index("uq_policy_workspace_id_version", ["workspace_id", "version"], unique=True)

    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("domain", sa.String(255), server_default="", nullable=False))
        batch_op.add_column(sa.Column("unapproved", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("called", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("remind_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("expires_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("reminders", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("ended_by", sa.String(32), nullable=True))
        batch_op.create_index("ix_request_workspace_id_asker_domain", ["workspace_id", "asker", "domain"], unique=False)

    with op.batch_alter_table("workspace", schema=None) as batch_op:
        batch_op.add_column(sa.Column("audit_seq", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("audit_hash", sa.String(64), server_default="", nullable=False))
    op.execute(
        "UPDATE workspace SET audit_seq = COALESCE((SELECT MAX(seq) FROM audit_entry "
        "WHERE workspace_id = workspace.id), 0), audit_hash = COALESCE((SELECT hash FROM audit_entry "
        "WHERE workspace_id = workspace.id ORDER BY seq DESC LIMIT 1), '')"
    )


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("workspace", schema=None) as batch_op:
        batch_op.drop_column("audit_hash")
        batch_op.drop_column("audit_seq")

    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.drop_index("ix_request_workspace_id_asker_domain")
        batch_op.drop_column("called")
        batch_op.drop_column("remind_at")
        batch_op.drop_column("ended_by")
        batch_op.drop_column("reminders")
        batch_op.drop_column("expires_at")
        batch_op.drop_column("unapproved")
        batch_op.drop_column("domain")

    with op.batch_alter_table("policy", schema=None) as batch_op:
        batch_op.drop_index("uq_policy_workspace_id_version")
        batch_op.drop_index("ix_policy_state_due_at")

    op.drop_table("policy")
