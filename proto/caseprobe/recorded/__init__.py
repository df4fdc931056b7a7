"""Recorded outputs of other systems' own tools as the sections that the probes of Linux give.

No agent runs there: what stands here has been tried on recorded outputs only, and every page of a check says so.
"""

from caseprobe.recorded.sections import SYSTEMS, sections_of

__all__ = ["SYSTEMS", "sections_of"]
