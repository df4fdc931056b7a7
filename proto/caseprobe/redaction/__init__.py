"""The one pipe: every byte that leaves a machine passes it first."""

from caseprobe.redaction.names import KnownNames, known_names
from caseprobe.redaction.redactor import RULESET_VERSION, Redactor, Stream
from caseprobe.redaction.secrets import RULES

__all__ = ["RULES", "RULESET_VERSION", "KnownNames", "Redactor", "Stream", "known_names"]
