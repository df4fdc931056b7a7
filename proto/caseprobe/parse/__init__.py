"""Text of a tool, /proc or /sys to messages: one module per source, pure, none imports another."""
