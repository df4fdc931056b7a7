"""What Windows' own tools print: CIM instances as JSON, netsh, tracert and pathping; language never decides."""
