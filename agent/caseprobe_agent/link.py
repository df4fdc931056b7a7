"""The one stream to the collector: lanes, one writer, reconnect. Knows no other agent module."""
