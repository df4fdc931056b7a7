"""The bundle file: a ZIP that any desktop opens, written once from front to back, readable wherever it was cut."""

from caseprobe.bundle.manifest import Manifest, Signer, Verification
from caseprobe.bundle.reader import BundleReader, ReadLimits
from caseprobe.bundle.snapshot_json import snapshot_from_json, snapshot_to_json
from caseprobe.bundle.writer import BundleWriter, write_bundle

__all__ = [
    "BundleReader",
    "BundleWriter",
    "Manifest",
    "ReadLimits",
    "Signer",
    "Verification",
    "snapshot_from_json",
    "snapshot_to_json",
    "write_bundle",
]
