"""What other programs recorded of a machine, as a raw snapshot: archives of sosreport and insights, mtr and smartctl.

The same probes read an archive that read a machine; where it holds only a command's output, its parser stands in.
"""

from caseprobe_agent.imports.convert import Converted, convert_apart

__all__ = ["Converted", "convert_apart"]
