"""What the API takes: bounded, nothing unknown."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from caseprobe_collector.access import Role

Id = Annotated[str, StringConstraints(pattern=r"^[a-z]+_[a-z0-9]{1,64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Target = Annotated[str, StringConstraints(min_length=1, max_length=253, strip_whitespace=True)]
# The machine knows which there are, and says so where it is none of them.
ProbeName = Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]


class Body(BaseModel):
    """A body that refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NewLogin(Body):
    """A name and a password."""

    name: Name
    password: str = Field(min_length=1, max_length=1024)


class NewCase(Body):
    """A support case to be opened."""

    customer_id: Id
    title: Name
    description: str = Field(default="", max_length=4000)


class NewCustomer(Body):
    """A tenant."""

    name: Name


class NewJoinCode(Body):
    """enrol: for machines of a customer; a bundle's code is made on its case."""

    customer_id: Id
    uses: int = Field(default=1, ge=1, le=10_000)
    lifetime_seconds: float = Field(default=900, ge=60, le=30 * 86400)

    @property
    def lifetime(self) -> timedelta:
        """How long the code is good."""
        return timedelta(seconds=self.lifetime_seconds)


class NewBundleCode(Body):
    """A code with which one bundle goes to one case."""

    lifetime_seconds: float = Field(default=72 * 3600, ge=60, le=30 * 86400)

    @property
    def lifetime(self) -> timedelta:
        """How long the code is good."""
        return timedelta(seconds=self.lifetime_seconds)


class PathAsked(Body):
    """A path probe; protocol auto: what the machine can do.

    loaded: also what load does to the line to this collector, which is then the target and need not be named. names:
    also what the hops are called, where the machine's policy lets its name servers be asked.
    """

    target: Target = ""
    rounds: int = Field(default=60, ge=1, le=3600)
    interval_seconds: float = Field(default=1.0, ge=0.1, le=60)
    protocol: Literal["auto", "icmp", "udp", "tcp"] = "auto"
    port: int = Field(default=0, ge=0, le=65535)
    loaded: bool = False
    names: bool = False

    @model_validator(mode="after")
    def _has_target(self) -> PathAsked:
        if not self.target and not self.loaded:
            raise ValueError("a path needs a target")
        return self


class SnapshotAsked(Body):
    """A snapshot by profile, or of these probes alone."""

    profile: Literal["quick", "standard", "full"] = "quick"
    probes: list[ProbeName] = Field(default=[], max_length=40)


class RevealAsked(Body):
    """The true name behind one stand-in."""

    token: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.:@_/-]{2,255}$", strip_whitespace=True)]


class WatchAsked(Body):
    """Probes by name, measured again every interval."""

    probes: list[ProbeName] = Field(min_length=1, max_length=12)
    interval_seconds: float = Field(default=5.0, ge=1, le=600)
    duration_seconds: float = Field(default=60.0, ge=1, le=3000)


class LogTailAsked(Body):
    """A log by its name: its newest lines, then what is new."""

    source: ProbeName
    lines: int = Field(default=50, ge=1, le=500)
    follow_seconds: float = Field(default=60.0, ge=0, le=3000)


class NewSession(Body):
    """A live request: exactly one of path, snapshot, reveal, watch and log_tail."""

    agent_id: Id
    path: PathAsked | None = None
    snapshot: SnapshotAsked | None = None
    reveal: RevealAsked | None = None
    watch: WatchAsked | None = None
    log_tail: LogTailAsked | None = None
    deadline_seconds: float = Field(default=0, ge=0, le=3600)
    idempotency_key: str = Field(default="", max_length=80)


class NewSchedule(Body):
    """A timetable: a period or a cron line, of snapshots or of a path."""

    name: Name
    every_seconds: float = Field(default=0, ge=0, le=366 * 86400)
    cron: str = Field(default="", max_length=120)
    catch_up: Literal["skip", "one", "all"] = "one"
    profile: Literal["quick", "standard", "full"] = "quick"
    path: PathAsked | None = None


class NewUser(Body):
    """A member of staff; customer_ids null: every customer."""

    name: Name
    password: str = Field(min_length=12, max_length=1024)
    role: Role
    customer_ids: list[Id] | None = None


class NewToken(Body):
    """An API token of one's own, with at most one's own rights."""

    name: Name
    role: Role
    lifetime_seconds: float = Field(default=30 * 86400, ge=60, le=366 * 86400)

    @property
    def lifetime(self) -> timedelta:
        """How long the token is good."""
        return timedelta(seconds=self.lifetime_seconds)
