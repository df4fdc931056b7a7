"""All known files. The order does not matter: a text may be of several kinds, and each hides what it knows."""

from __future__ import annotations

from caseprobe.redaction.structure.accounts import ACCOUNTS
from caseprobe.redaction.structure.known_file import Format
from caseprobe.redaction.structure.networks import NETWORKS
from caseprobe.redaction.structure.tools import TOOLS

ALL: tuple[Format, ...] = (*ACCOUNTS, *NETWORKS, *TOOLS)
