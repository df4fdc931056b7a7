"""Everything durable of one collector: database, objects and the CA's key in one private folder."""

from caseprobe_collector.storage.folder import Storage, authority_of, ca_file, create_storage, open_storage

__all__ = ["Storage", "authority_of", "ca_file", "create_storage", "open_storage"]
