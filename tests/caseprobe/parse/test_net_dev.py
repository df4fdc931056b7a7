"""Parser of the interfaces' counters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caseprobe.parse.net_dev import parse_net_dev

NET_DEV = """\
Inter-|   Receive                                       |  Transmit
 face |bytes packets errs drop fifo frame compressed mul.|bytes packets errs drop fifo colls carrier compressed
    lo: 1000 10 0 0 0 0 0 0 1000 10 0 0 0 0 0 0
  eth0: 18446744073709551615 5345 7 3 0 0 0 0 887633 4816 2 1 0 0 0 0
eth0:1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
  bad0: 1 2
"""


def test_every_interface_has_its_counters() -> None:
    """Headings and short lines are passed over; an alias keeps its colon."""
    interfaces = parse_net_dev(NET_DEV)
    assert [interface.name for interface in interfaces] == ["lo", "eth0", "eth0:1"]
    eth0 = interfaces[1]
    assert eth0.received_bytes_total == 2**64 - 1
    assert (eth0.received_packets_total, eth0.receive_errors_total, eth0.receive_drops_total) == (5345, 7, 3)
    assert (eth0.sent_bytes_total, eth0.sent_packets_total) == (887633, 4816)
    assert (eth0.send_errors_total, eth0.send_drops_total) == (2, 1)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """No text makes the parser fail otherwise than by ValueError."""
    try:
        parse_net_dev(text)
    except ValueError:
        return
