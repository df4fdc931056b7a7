"""News for whoever listens now, inside one process; later also between processes."""

from caseprobe_collector.bus.in_process import InProcessBus

__all__ = ["InProcessBus"]
