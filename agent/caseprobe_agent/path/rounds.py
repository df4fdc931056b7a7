"""Which echoes are due and what their replies mean: a pure state machine."""
