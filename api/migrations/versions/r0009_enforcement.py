"""Service levels as they were worded, what was done about them, and callbacks of callers who gave up."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Make the tables of policies, ladders, acts, orders, effects, callbacks and tries."""
    _make_policies()
    _make_acts()
    _make_callbacks()
    op.create_index(op.f("ix_calls_caller_offered_at"), "calls", ["caller", "offered_at"], unique=False)
    op.create_index(
        "ix_calls_given_up",
        "calls",
        ["ended_at"],
        unique=False,
        postgresql_where=sa.text("outcome IN ('abandoned', 'short_abandoned')"),
    )


def _make_policies() -> None:
    op.create_table(
        "service_level_policies",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_service_level_policies")),
    )
    op.create_table(
        "enforcement_states",
        sa.Column("policy_sha256", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("pressed_seconds", sa.Double(), nullable=True),
        sa.Column("eased_seconds", sa.Double(), nullable=True),
        sa.Column("cooling", postgresql.ARRAY(sa.Double()), nullable=False),
        _at("seen_at"),
        sa.ForeignKeyConstraint(
            ["policy_sha256"], ["service_level_policies.sha256"], name=op.f("fk_enforcement_states_policy_sha256")
        ),
        sa.PrimaryKeyConstraint("policy_sha256", "target", name=op.f("pk_enforcement_states")),
    )


def _make_acts() -> None:
    op.create_table(
        "enforcement_acts",
        sa.Column("act_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("policy_sha256", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("numerator", sa.Double(), nullable=True),
        sa.Column("denominator", sa.Double(), nullable=True),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("limit", sa.Double(), nullable=False),
        _at("done_at"),
        sa.Column("done_by", sa.Text(), nullable=False),
        _at("undone_at", nullable=True),
        sa.Column("undone_value", sa.Double(), nullable=True),
        sa.Column("undone_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "act IN ('warn_wall', 'tell_supervisor', 'call_reserve', 'end_breaks', 'raise_priority')",
            name=op.f("ck_enforcement_acts_act"),
        ),
        sa.CheckConstraint(
            "undone_reason IN ('eased', 'policy_ended')", name=op.f("ck_enforcement_acts_undone_reason")
        ),
        sa.CheckConstraint("(undone_at IS NULL) = (undone_reason IS NULL)", name=op.f("ck_enforcement_acts_undone")),
        sa.ForeignKeyConstraint(
            ["policy_sha256"], ["service_level_policies.sha256"], name=op.f("fk_enforcement_acts_policy_sha256")
        ),
        sa.PrimaryKeyConstraint("act_id", name=op.f("pk_enforcement_acts")),
    )
    op.create_index(op.f("ix_enforcement_acts_done_at_act_id"), "enforcement_acts", ["done_at", "act_id"])
    op.create_index(
        "ix_enforcement_acts_in_force",
        "enforcement_acts",
        ["policy_sha256", "target", "rung"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "enforcement_orders",
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("undo", sa.Boolean(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(), nullable=False),
        _at("ordered_at"),
        sa.Column("command_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["command_id"], ["commands.command_id"], name=op.f("fk_enforcement_orders_command_id")),
        sa.ForeignKeyConstraint(["act_id"], ["enforcement_acts.act_id"], name=op.f("fk_enforcement_orders_act_id")),
        sa.PrimaryKeyConstraint("act_id", "subject", "verb", "undo", name=op.f("pk_enforcement_orders")),
    )
    op.create_table(
        "enforcement_effects",
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("after_seconds", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("numerator", sa.Double(), nullable=True),
        sa.Column("denominator", sa.Double(), nullable=True),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["act_id"], ["enforcement_acts.act_id"], name=op.f("fk_enforcement_effects_act_id")),
        sa.PrimaryKeyConstraint("act_id", "after_seconds", name=op.f("pk_enforcement_effects")),
    )


def _make_callbacks() -> None:
    op.create_table(
        "callbacks",
        sa.Column("callback_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_ref", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("desk", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        _at("abandoned_at"),
        _at("last_abandoned_at"),
        _at("due_at"),
        _at("next_try_at"),
        sa.Column("tries_allowed", sa.Integer(), nullable=False),
        sa.Column("spacing_seconds", sa.Double(), nullable=False),
        sa.Column("policy_sha256", sa.Text(), nullable=False),
        _at("made_at"),
        _at("closed_at", nullable=True),
        sa.Column("closed_by_call", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'reached', 'exhausted', 'withdrawn', 'merged', 'left_out')",
            name=op.f("ck_callbacks_state"),
        ),
        sa.CheckConstraint(
            "reason IN ('withheld', 'nuisance', 'got_through', 'was_answered', 'same_caller')",
            name=op.f("ck_callbacks_reason"),
        ),
        sa.CheckConstraint("(state = 'merged') = (merged_into IS NOT NULL)", name=op.f("ck_callbacks_merged")),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_callbacks_closed")),
        sa.ForeignKeyConstraint(["call_ref"], ["calls.call_ref"], name=op.f("fk_callbacks_call_ref")),
        sa.ForeignKeyConstraint(["merged_into"], ["callbacks.callback_id"], name=op.f("fk_callbacks_merged_into")),
        sa.ForeignKeyConstraint(
            ["policy_sha256"], ["service_level_policies.sha256"], name=op.f("fk_callbacks_policy_sha256")
        ),
        sa.PrimaryKeyConstraint("callback_id", name=op.f("pk_callbacks")),
        sa.UniqueConstraint("call_ref", name=op.f("uq_callbacks_call_ref")),
    )
    op.create_index(
        "ix_callbacks_open_caller", "callbacks", ["caller"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_index(op.f("ix_callbacks_due_at_callback_id"), "callbacks", ["due_at", "callback_id"])
    op.create_index(op.f("ix_callbacks_merged_into"), "callbacks", ["merged_into"])
    op.create_table(
        "callback_tries",
        sa.Column("callback_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        _at("dialled_at"),
        sa.Column("dialled_by", sa.Text(), nullable=False),
        sa.Column("command_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["command_id"], ["commands.command_id"], name=op.f("fk_callback_tries_command_id")),
        sa.Column("call_ref", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        _at("ended_at", nullable=True),
        sa.Column("told_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "result IN ('reached', 'no_answer', 'busy', 'wrong_number', 'agent_absent', 'failed')",
            name=op.f("ck_callback_tries_result"),
        ),
        sa.CheckConstraint("(result IS NULL) = (ended_at IS NULL)", name=op.f("ck_callback_tries_ended")),
        sa.ForeignKeyConstraint(["callback_id"], ["callbacks.callback_id"], name=op.f("fk_callback_tries_callback_id")),
        sa.PrimaryKeyConstraint("callback_id", "ordinal", name=op.f("pk_callback_tries")),
    )
    op.create_index(
        "ix_callback_tries_going_on",
        "callback_tries",
        ["callback_id"],
        unique=True,
        postgresql_where=sa.text("result IS NULL"),
    )
