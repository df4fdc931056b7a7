"""The bundle file: a ZIP that any desktop opens, written once from front to back, readable wherever it was cut."""

from caseprobe.bundle.consent import consent_fault, signed_consent, statement_of
from caseprobe.bundle.manifest import LeftOut, Manifest, Signer, Verification
from caseprobe.bundle.patch import apply_patch, make_patch, read_patch
from caseprobe.bundle.pieces import packer, sketch_of
from caseprobe.bundle.reader import BundleReader, ReadLimits
from caseprobe.bundle.snapshot_json import snapshot_from_json, snapshot_to_json
from caseprobe.bundle.writer import BundleWriter, bundle_members, write_bundle

__all__ = [
    "BundleReader",
    "BundleWriter",
    "LeftOut",
    "Manifest",
    "ReadLimits",
    "Signer",
    "Verification",
    "apply_patch",
    "bundle_members",
    "consent_fault",
    "make_patch",
    "packer",
    "read_patch",
    "signed_consent",
    "sketch_of",
    "snapshot_from_json",
    "snapshot_to_json",
    "statement_of",
    "write_bundle",
]
