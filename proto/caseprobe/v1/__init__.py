"""Messages of the contract, generated from the .proto files beside this one."""
