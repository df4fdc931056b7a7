"""The tests are the specification: one sentence each."""
