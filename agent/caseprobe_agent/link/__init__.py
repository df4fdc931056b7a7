"""The one stream to the collector: lanes, one writer, reconnect. Knows no other agent module.

`app` hands it credentials, an outbox (the spool) and a handler for what the collector asks.
"""

from caseprobe_agent.link.link import Delivery, Link, LinkState
from caseprobe_agent.link.outbox import Credentials, FileOutbox, Item, NoRecords, Outbox
from caseprobe_agent.link.parts import Handler, Notice

__all__ = [
    "Credentials",
    "Delivery",
    "FileOutbox",
    "Handler",
    "Item",
    "Link",
    "LinkState",
    "NoRecords",
    "Notice",
    "Outbox",
]
