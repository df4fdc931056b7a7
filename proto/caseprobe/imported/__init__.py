"""Archives that other programs made of a machine (sosreport, insights), read into a tree in memory.

Nothing is extracted to disk. What an archive says of itself is never believed: every size is checked before memory is
taken, links are followed inside the tree only, and what is refused says why.
"""

from caseprobe.imported.limits import ImportLimits
from caseprobe.imported.reading import read_archive
from caseprobe.imported.tree import Tree

__all__ = ["ImportLimits", "Tree", "read_archive"]
