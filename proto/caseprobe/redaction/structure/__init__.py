"""Files whose name or shape says where their secrets are: the value goes by its key, whatever it looks like."""

from caseprobe.redaction.structure.formats import ALL
from caseprobe.redaction.structure.known_file import HEAD_BYTES, Format, KnownFile

__all__ = ["ALL", "HEAD_BYTES", "Format", "KnownFile"]
