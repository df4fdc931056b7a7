"""What this machine measured and the collector has not acknowledged yet: durable when append returns.

The argument for correctness. One thread owns the one connection (SQLite in WAL, synchronous=FULL), so everything
that is asked of the spool happens in one order. What waits is committed together, with one fsync, and a caller
hears of its result only after that commit: nobody is told of, and the link never sends, what a power cut could take
back. Records leave only by `acknowledge`, or with a Gap that is written in the same commit: refused, damaged, too old
or too much. Every row has a checksum, sequences are dense and commits are numbered, so what damage takes is noticed
by content and by counting, and declared like any other loss; the ledger is in doubt then rather than forgetful.
A full disk takes nothing back either: what cleans up has room of its own (`reserve`).
"""

from caseprobe_agent.spool.record import Item
from caseprobe_agent.spool.spool import Spool

__all__ = ["Item", "Spool"]
