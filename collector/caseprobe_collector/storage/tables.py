"""The tables, as SQLAlchemy Core describes them; the only place that names a column."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from caseprobe_collector.storage.columns import Counter, CustomerIds, Instant, Names, Pairs, Reference, RoleName

METADATA = sa.MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, Counter, nullable=False)


def _at(name: str, nullable: bool = False) -> Column[object]:
    return Column(name, Instant, nullable=nullable)


def _seal() -> Column[bytes]:
    """A hash over the row: SQLite does not notice a bit that flips in it."""
    return Column("row_sha256", LargeBinary)


SCHEMA = Table("schema_version", METADATA, Column("version", Integer, primary_key=True))

CUSTOMERS = Table(
    "customers",
    METADATA,
    Column("customer_id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _at("created_at"),
    _seal(),
)

CASES = Table(
    "cases",
    METADATA,
    Column("case_id", Text, primary_key=True),
    Column("customer_id", ForeignKey("customers.customer_id"), nullable=False),
    _text("title"),
    _text("description"),
    _text("state"),
    _at("created_at"),
    _text("created_by"),
    _at("closed_at", nullable=True),
    _seal(),
    Index("cases_of_customer", "customer_id", "case_id"),
)

AGENTS = Table(
    "agents",
    METADATA,
    Column("agent_id", Text, primary_key=True),
    Column("customer_id", ForeignKey("customers.customer_id"), nullable=False),
    _text("label"),
    _text("system"),
    _text("version"),
    _text("kind"),
    _at("enrolled_at"),
    _at("certificate_expires_at"),
    _at("revoked_at", nullable=True),
    _at("last_seen_at", nullable=True),
    Column("case_id", Reference, ForeignKey("cases.case_id")),
    Column("policy", Pairs, nullable=False),
    Column("capabilities", Names, nullable=False),
    # Over all but when it was last seen, which is written for all machines once a minute.
    _seal(),
    Index("agents_of_customer", "customer_id", "kind"),
)

JOIN_CODES = Table(
    "join_codes",
    METADATA,
    Column("join_code_id", Text, primary_key=True),
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    _number("purpose"),
    Column("customer_id", ForeignKey("customers.customer_id"), nullable=False),
    Column("case_id", Reference, ForeignKey("cases.case_id")),
    Column("uses_left", Integer, sa.CheckConstraint("uses_left >= 0"), nullable=False),
    _at("expires_at"),
    _text("created_by"),
    _at("created_at"),
    _at("revoked_at", nullable=True),
)

USERS = Table(
    "users",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _text("password_hash"),
    Column("role", RoleName, nullable=False),
    Column("customer_ids", CustomerIds),
    _at("created_at"),
    _at("disabled_at", nullable=True),
    _seal(),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("token_id", Text, primary_key=True),
    _text("kind"),
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    Column("user_id", ForeignKey("users.user_id"), nullable=False, index=True),
    _text("name"),
    Column("role", RoleName, nullable=False),
    Column("customer_ids", CustomerIds),
    _at("created_at"),
    _at("expires_at", nullable=True),
    _at("revoked_at", nullable=True),
    _seal(),
)

# number is the order of arrival here, which no machine's clock decides.
SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("snapshot_id", Text, nullable=False, unique=True),
    Column("agent_id", ForeignKey("agents.agent_id"), nullable=False),
    Column("customer_id", ForeignKey("customers.customer_id"), nullable=False),
    Column("case_id", Reference, ForeignKey("cases.case_id")),
    _number("flow"),
    _text("session_id"),
    _text("schedule_id"),
    _text("profile"),
    _at("started_at"),
    _at("received_at"),
    _number("sequence"),
    _number("worst"),
    _number("finding_total"),
    _number("size_bytes"),
    Column("sha256", LargeBinary, nullable=False),
    Column("objects", Names, nullable=False),
    _text("notice"),
    # Over all columns above but number.
    _seal(),
    Index("snapshots_of_case", "case_id", "agent_id", "profile", "number"),
    Index("snapshots_of_agent", "agent_id", "profile", "number"),
)

# Apart from its row, so that a list reads no bytes that it does not show. One of body and object is set.
BODIES = Table(
    "snapshot_bodies",
    METADATA,
    Column("snapshot_id", ForeignKey("snapshots.snapshot_id"), primary_key=True),
    Column("body", LargeBinary),
    Column("object", Text),
    Index("bodies_of_object", "object", sqlite_where=sa.text("object IS NOT NULL")),
)

# Files beside a snapshot: where their bytes lie and what they must be.
OBJECTS = Table(
    "snapshot_objects",
    METADATA,
    Column("snapshot_id", ForeignKey("snapshots.snapshot_id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("object", Text, nullable=False, index=True),
    _number("size_bytes"),
    Column("sha256", LargeBinary, nullable=False),
)

# What was found to be no longer what its hash says; it refers to nothing, because what it names may be gone.
DAMAGES = Table(
    "damages",
    METADATA,
    Column("snapshot_id", Text, primary_key=True),
    _text("what"),
    _at("found_at"),
)

# One row: which store this is, and how many commits changed it; see `progress`.
PROGRESS = Table(
    "progress",
    METADATA,
    Column("number", Integer, sa.CheckConstraint("number = 1"), primary_key=True),
    _text("store_id"),
    _number("commits"),
)

# Commits that were acknowledged and were not there any more when the store was opened.
LOSSES = Table(
    "losses",
    METADATA,
    Column("number", Integer, primary_key=True),
    _at("found_at"),
    _text("what"),
    _number("commits"),
    _number("entries"),
    _at("settled_at", nullable=True),
)

# The newest entry of each machine's own audit chain that it told.
WITNESSED = Table(
    "witnessed",
    METADATA,
    Column("agent_id", Text, primary_key=True),
    _number("number"),
    Column("sha256", LargeBinary, nullable=False),
)

# One row: where `scrub` stands.
SCRUB = Table(
    "scrub",
    METADATA,
    Column("number", Integer, sa.CheckConstraint("number = 1"), primary_key=True),
    _number("position"),
    _at("begun_at"),
    _at("ended_at", nullable=True),
)

FINDINGS = Table(
    "findings",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("snapshot_id", ForeignKey("snapshots.snapshot_id"), nullable=False, index=True),
    _text("check_id"),
    _text("object"),
    _number("state"),
)

POSITIONS = Table(
    "spool_positions",
    METADATA,
    Column("agent_id", ForeignKey("agents.agent_id"), primary_key=True),
    Column("spool_id", Text, primary_key=True),
    _number("sequence"),
)

GAPS = Table(
    "gaps",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("agent_id", ForeignKey("agents.agent_id"), nullable=False),
    _text("spool_id"),
    _number("first"),
    _number("last"),
    _text("reason"),
    _at("at"),
    UniqueConstraint("agent_id", "spool_id", "first", "last"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("session_id", Text, primary_key=True),
    Column("case_id", ForeignKey("cases.case_id"), nullable=False, index=True),
    Column("customer_id", ForeignKey("customers.customer_id"), nullable=False),
    Column("agent_id", ForeignKey("agents.agent_id"), nullable=False),
    Column("request", LargeBinary, nullable=False),
    _text("action"),
    _text("requested_by"),
    _at("requested_at"),
    Column("deadline_seconds", sa.Double, nullable=False),
    _text("state"),
    _text("reason"),
    _text("snapshot_id"),
    _at("ended_at", nullable=True),
    _seal(),
    Index("sessions_open", "agent_id", sqlite_where=sa.text("ended_at IS NULL")),
)

SCHEDULES = Table(
    "schedules",
    METADATA,
    Column("schedule_id", Text, primary_key=True),
    Column("agent_id", ForeignKey("agents.agent_id"), nullable=False, index=True),
    Column("customer_id", ForeignKey("customers.customer_id"), nullable=False),
    Column("schedule", LargeBinary, nullable=False),
    _text("created_by"),
    _at("created_at"),
    _at("removed_at", nullable=True),
    _seal(),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    _at("at"),
    _text("actor"),
    _text("action"),
    _text("customer_id"),
    _text("object"),
    _text("detail"),
    Column("previous_sha256", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
)
