"""What this machine measured and the collector has not acknowledged yet: durable when append returns.

The argument for correctness. One thread owns the one connection (SQLite in WAL, synchronous=FULL), so everything
that is asked of the spool happens in one order. What waits is committed together, with one fsync, and a caller
hears of its result only after that commit: nobody is told of, and the link never sends, what a power cut could take
back. Records leave only by `acknowledge` and by `drop`, which writes a Gap in the same commit.
"""

from caseprobe_agent.spool.record import Item
from caseprobe_agent.spool.spool import Spool

__all__ = ["Item", "Spool"]
