"""The contract: what agent and collector must agree on."""

VERSION = "0.1.0"
