"""The decision whether a request may run: pure."""
