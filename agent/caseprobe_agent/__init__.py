"""The agent: an enrolled machine's process, and the one-shot bundle."""
