"""Which message of the kernel tells of which class of fault, and of what. Formats: the kernel's sources, 2.6 to 6.x."""

from __future__ import annotations

from collections.abc import Sequence

DISK = r"(?P<object>(?!fd\d|sr\d)[\w!.-]+)"
BLOCK = r"(?P<object>[\w!.-]+)"
JOURNAL = r"(?P<object>[\w!.-]+?)(?:-\d+)?"
# Names of processes may hold blanks and brackets; what stands behind them does not.
PROCESS = r"(?P<object>.+?)"
PCI_SLOT = r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]"
# A driver that has not named its interface yet speaks of its slot.
INTERFACE = rf"(?<![\w.@:-])(?P<object>(?!SATA\b)(?:{PCI_SLOT}|[\w.@-]+))"
PCI = rf"(?P<object>{PCI_SLOT})"
PORT = r"^(?P<object>ata\d+)(?:\.\d+)?: "
SCSI = r"(?P<object>\d+:\d+:\d+:\d+)"
NVME = rf"^nvme (?P<object>nvme\d+|{PCI_SLOT}): "
MODULE = r'(?P<otherwise>MC\d+): .*?(?: on (?!any memory)(?P<object>[^(]+?) \(|labels? "(?P<label>[^"]+)"|$|\()'
KILLED = r"Kill(?:ed)? process \d+ \((?P<object>.+?)\)(?:,| total-vm| score| \D|$)"
# What a drive says of itself: the medium or the drive is bad. The others lie on the way to it.
MEDIUM_SENSE = r"Sense Key : (?:(?:Medium|Hardware) Error|0x[34]\b)"
OTHER_SENSE = r"Sense Key : (?:Aborted Command|0xb\b)"
ADDED_SENSE = (
    r"Add\. Sense: (?:Unrecovered read|Write error|Peripheral device write fault|Logical unit failure|Internal target)"
)
# By number where the kernel was built without the names.
TRANSPORT = "TIME_OUT|NO_CONNECT|BAD_TARGET|TRANSPORT|RESET|PARITY|BUS_BUSY|SOFT_ERROR"

# Class, words of which every such message holds one (looked for first: that is cheap; parted by "|"; without digits),
# and its form. The first form that fits wins.
# Floppy and CD drives are left out of errors: empty ones report them on healthy machines.
RULES: Sequence[tuple[str, str, str]] = (
    ("cgroup_oom", "emory cgroup out of memory", rf"emory cgroup out of memory: {KILLED}"),
    ("oom_kill", "Out of memory", rf"Out of memory(?: \([\w ]+\))?: {KILLED}"),
    ("killed", "illed process ", rf"^{KILLED}"),
    ("oom_kill", "Out of memory and no killable", r"Out of memory and no killable"),
    ("oom_kill", "Out of memory: ", r"Out of memory: (?:compulsory|system-wide)? ?panic_on_oom"),
    ("bad_page", "BUG: Bad ", rf"BUG: Bad (?:page|rss-counter) \w+(?: in process {PROCESS}(?:  | pfn:| pte:|$))?"),
    ("bad_page", "Bad swap ", r"^\w+: Bad swap (?:file|offset) entry"),
    (
        "hung_task",
        "blocked for more|blocked in I/O|blocked on ",
        rf"INFO: task {PROCESS}:\d+ (?:is )?blocked .*(?:for more than \d+ seconds|likely owned)",
    ),
    ("hung_task", "hung_task: blocked tasks", r"Kernel panic - not syncing: hung_task"),
    ("soft_lockup", "soft lockup", r"BUG: soft lockup - (?P<object>CPU#\d+)"),
    ("soft_lockup", "workqueue lockup", r"BUG: workqueue lockup"),
    ("soft_lockup", "softlockup: hung tasks", r"Kernel panic - not syncing: softlockup"),
    ("hard_lockup", "hard LOCKUP", r"[Ww]atchdog detected hard LOCKUP on (?P<object>cpu ?\d+)"),
    ("hard_lockup", "ard LOCKUP", r"(?P<object>CPU \d+) (?:self-)?(?:detected )?[Hh]ard LOCKUP"),
    ("hard_lockup", "ard LOCKUP", r"Watchdog (?P<object>CPU:\d+) Hard LOCKUP"),
    ("hard_lockup", "Hard LOCKUP", r"Kernel panic - not syncing: Hard LOCKUP"),
    (
        "rcu_stall",
        "self-detected stall|detected stall|detected expedited stall",
        r"INFO: (?P<object>rcu_\w+) (?:self-detected stall|detected (?:expedited )?stalls?) on",
    ),
    (
        "rcu_stall",
        "kthread starved|kthread timer",
        r"^(?:rcu: )?(?P<object>rcu_\w+) kthread (?:starved for|timer wakeup didn't happen)",
    ),
    ("mce_ue", "Fatal machine check", r"Kernel panic - not syncing: (?:Fatal|Fatal local) machine check"),
    (
        "mce_ue",
        "Memory failure: ",
        r"Memory failure: 0x[0-9a-f]+: (?:recovery action for|Sending SIGBUS to (?P<object>.+?):\d+)",
    ),
    ("mce_ue", "Memory failure: ", r"Memory failure: 0x[0-9a-f]+: Killing (?P<object>.+?):\d+ due to"),
    ("mce_ue", "page recovery|recovery: ", r"^MCE 0x[0-9a-f]+: .*recovery: "),
    (
        "mce_ue",
        "hardware memory corruption",
        r"Killing (?P<object>.+?):\d+ (?:\(.*\) )?due to hardware memory corruption",
    ),
    ("edac_ue", "not syncing: ", r"not syncing: UE .*?(?: on (?!any memory)(?P<object>[^(]+?) \(|$)"),
    (
        "oops",
        "BUG: unable|BUG: kernel|BUG: KASAN|BUG: KFENCE|BUG: stack|BUG: using",
        r"\bBUG: (?:unable to handle|kernel NULL pointer|KASAN: |KFENCE: |stack guard page|using __this_cpu)",
    ),
    ("oops", "BUG: failure at ", r"\bBUG: failure at \S+/\w+\(\)!"),
    (
        "oops",
        "BUG: sched|BUG: spinlock|BUG: sleeping|BUG: corrupted|BUG: non-zero",
        r"\bBUG: (?:scheduling while atomic|spinlock|sleeping function|corrupted|non-zero)",
    ),
    ("oops", "kernel BUG at ", r"kernel BUG at \S+!"),
    (
        "oops",
        "[#",
        r"(?:Oops|Internal error|invalid opcode|divide error|\w+ fault|\w+ segment)\b.*\[#\d+\]",
    ),
    ("oops", "[#", r"^(?:[\w-]+ ){0,3}\w+: [0-9a-f]{4} (?:ilc:\d )?\[#\d+\]"),
    ("oops", "Unable to handle kernel ", r"^Unable to handle kernel "),
    (
        "oops",
        "list_add corruption|list_del corruption|slab error in|rb tree corruption",
        r"^(?:list_(?:add|del) corruption|slab error in|rb tree corruption)",
    ),
    ("oops", "BUG ", r"^BUG [\w-]+ \((?:Not tainted|Tainted)[^)]*\): "),
    ("oops", "Kernel panic", r"^Kernel panic(?: - not syncing|: )"),
    ("edac_ce", "EDAC MC", rf"EDAC (?=MC\d+: (?:\d+ )?CE ){MODULE}"),
    ("edac_ue", "EDAC MC", rf"EDAC (?=MC\d+: (?:\d+ )?UE ){MODULE}"),
    ("edac_ce", "EDAC DEVICE", r"EDAC (?P<object>DEVICE\d+): CE"),
    ("edac_ue", "EDAC DEVICE", r"EDAC (?P<object>DEVICE\d+): UE"),
    ("thermal_throttle", "above threshold", r"(?P<object>CPU\d+): \w+ temperature (?:is )?above threshold"),
    (
        "thermal_throttle",
        "ritical temperature reached",
        r"(?:(?P<object>thermal_zone\d+).*)?[Cc]ritical temperature reached",
    ),
    ("thermal_throttle", "ritical trip point", r"^ACPI: Critical trip point"),
    ("mce_ue", "Machine Check Exception", r"(?P<object>CPU ?\d+): Machine Check Exception"),
    (
        "mce_ue",
        "Hardware Error",
        r"\[Hardware Error\]: (?:event severity: (?:fatal|recov)|Uncorrected|Deferred|System Fatal)",
    ),
    ("mce_ue", "Uncorrected hardware memory error", r"Uncorrected hardware memory error"),
    # Bit 61 of the bank's status: not corrected (Intel SDM 3B, 17.3.2.2).
    ("mce_ue", "Machine Check: ", r"(?P<object>CPU ?\d+): Machine Check: \d+ Bank \d+: [abef][0-9a-f]{15}"),
    ("mce_ce", "Machine Check: ", r"(?P<object>CPU ?\d+): Machine Check: "),
    # What the processor's decoder of AMD makes of a bank's status.
    ("mce_ue", "Hardware Error", r"(?P<object>CPU:\d+) \([\da-f:]+\) MC\d+_STATUS\[(?:Over|-)\|UE\b"),
    ("mce_ce", "Hardware Error", r"(?P<object>CPU:\d+) \([\da-f:]+\) MC\d+_STATUS\[(?:Over|-)\|CE\b"),
    ("mce_ce", "Machine check events logged", r"Machine check events logged"),
    ("mce_ce", "Hardware Error", r"\[Hardware Error\]: (?:event severity: corrected|Corrected error)"),
    ("mce_ce", "Northbridge Error", r"\[Hardware Error\]: Northbridge Error \(node \d+\): DRAM ECC error"),
    ("mce_ce", "CMCI storm", r"CMCI storm detected"),
    ("mce_ce", "offlining pfn", r"^RAS: Soft-offlining pfn"),
    ("pcie_aer", "AER: ", rf"{PCI}: AER: (?:Multiple )?(?:Corrected|Correctable|Uncorrect\w+|Non-?Fatal|Fatal)"),
    (
        "pcie_aer",
        "AER: ",
        rf"{PCI}: AER: (?:can't recover|device recovery (?:failed|unsuccessful)|aer_(?:cor_|uncor_)?status)",
    ),
    ("pcie_aer", "PCIe Bus Error", rf"{PCI}: (?:AER: )?PCIe Bus Error: "),
    ("pcie_aer", "DPC: ", rf"{PCI}: DPC: (?:containment event|unmasked uncorrectable|RP PIO)"),
    (
        "fs_remount_ro",
        "ead-only",
        rf"\({BLOCK}\): (?:error: )?(?:[Rr]emounting filesystem|Filesystem has been set) read-only",
    ),
    ("fs_remount_ro", "ead-only", rf"ERROR: \(device {BLOCK}\): remounting filesystem as read-only"),
    ("fs_remount_ro", "ead-only", r"UBIFS .*?\((?P<object>ubi\d+:\d+)[^)]*\): .*switched to read-only mode"),
    ("fs_remount_ro", "ead-only", r"^(?:Remounting filesystem read-only|OCFS2: File system is now read-only)"),
    ("fs_remount_ro", "forced readonly", rf"BTRFS\b.*\(device {BLOCK}[^)]*\).*forced readonly"),
    ("fs_error", " error (device", rf"-fs error \(device {BLOCK}\)"),
    (
        "fs_error",
        " warning (device",
        rf"-fs warning \(device {BLOCK}\).*(?:I/O error|[Cc]orrupt|checksum|failed to (?:read|write))",
    ),
    (
        "fs_error",
        "error count since|will be lost|orrupt|I/O error",
        rf"EXT4-fs \({BLOCK}\): (?:error count since|.*will be lost|.*[Cc]orrupt|.*I/O error)",
    ),
    (
        "fs_error",
        "Delayed block|failed to convert unwritten|Inode bitmap",
        rf"EXT4-fs \({BLOCK}\): (?:Delayed block allocation failed|failed to convert unwritten|.*Inode bitmap)",
    ),
    ("fs_error", "Aborting journal", rf"Aborting journal on device {JOURNAL}\.?$"),
    ("fs_error", "IO error|I/O error", rf"JBD2: .*(?:IO|I/O) errors? .*\b(?:on|for) {JOURNAL}\.?$"),
    (
        "fs_error",
        "orruption|I/O error|I/O Error|nternal error|CRC error|hut down|hutdown|hutting down",
        rf"XFS \({BLOCK}\): .*(?:[Cc]orruption|I/O [Ee]rror|[Ii]nternal error|CRC error|[Ss]hut ?(?:ting )?down)",
    ),
    (
        "fs_error",
        "force_shutdown|metadata I/O|log mount|run xfs_repair",
        rf"XFS \({BLOCK}\): (?:xfs_do_force_shutdown|metadata I/O|log mount(?:/recovery)? failed|.*run xfs_repair)",
    ),
    # Before Linux 2.6.39.
    ("fs_error", "xfs_force_shutdown", rf"^xfs_force_shutdown\({BLOCK},0x[0-9a-f]+\) called"),
    ("fs_error", "error in filesystem", r'^I/O error in filesystem \("(?P<object>[^"]+)"\) meta-data dev'),
    ("fs_error", "nternal error|orruption", r"^XFS: .*(?:[Ii]nternal error|[Cc]orruption)"),
    (
        "fs_error",
        "nternal error|orruption|I/O Error|hutting|hut down",
        r'^Filesystem "(?P<object>[^"]+)": .*(?:[Ii]nternal error|[Cc]orruption|I/O Error|[Ss]hut)',
    ),
    (
        "fs_error",
        "BTRFS error|BTRFS: error|BTRFS critical|BTRFS: critical",
        rf"BTRFS:? (?:error|critical) \(device {BLOCK}[^)]*\)",
    ),
    (
        "fs_error",
        "csum|checksum|direct IO failed",
        rf"BTRFS warning \(device {BLOCK}[^)]*\): (?:(?:csum|checksum) (?:failed|error|verify)|direct IO failed)",
    ),
    (
        "fs_error",
        "): error|unable to read|FAT read failed|Directory bread",
        rf"FAT-fs \({BLOCK}\): (?:error|unable to read (?!boot sector$)|FAT read failed|Directory bread)",
    ),
    (
        "fs_error",
        "nconsistent|orrupt|I/O error|invalid|ismatch",
        rf"F2FS-fs \({BLOCK}\): .*(?:[Ii]nconsistent|[Cc]orrupt|I/O error|invalid|[Mm]ismatch)",
    ),
    (
        "fs_error",
        "orrupt|volume as dirty|failed to ",
        rf"ntfs3(?:: |\(){BLOCK}\)?: (?:.*[Cc]orrupt|.*volume as dirty|.*failed to )",
    ),
    ("fs_error", "SQUASHFS error", r"^SQUASHFS error: "),
    ("fs_error", ": fsid=", r"fsid=(?P<object>[\w:.-]+): (?:fatal|.*withdraw)"),
    ("fs_error", "NILFS error|NILFS (", rf"NILFS(?: error| \({BLOCK}\): error).*"),
    (
        "fs_error",
        "bcachefs (",
        r"^bcachefs \((?P<object>[^)]+)\): (?:.*emergency read only|fatal error|.*Unable to allocate journal write)",
    ),
    ("fs_error", "erofs: (", rf"erofs: \(device {BLOCK}\).*(?:[Cc]orrupt|failed)"),
    ("blk_medium_error", "critical medium error", rf"critical medium error, dev {DISK},"),
    ("blk_transport_error", "transport error", rf"(?:recoverable )?transport error, dev {DISK},"),
    ("blk_io_error", " error, dev ", rf" error, dev {DISK}, (?:sector|logical block)"),
    ("blk_io_error", "Buffer I/O error", rf"Buffer I/O error on dev(?:ice)? {DISK},"),
    ("blk_io_error", "due to I/O error on", rf"page write due to I/O error on {DISK}"),
    ("blk_medium_error", "Sense Key", rf"\[{DISK}\] .*{MEDIUM_SENSE}"),
    ("blk_transport_error", "Sense Key", rf"\[{DISK}\] .*{OTHER_SENSE}"),
    ("blk_medium_error", "Add. Sense", rf"\[{DISK}\] .*{ADDED_SENSE}"),
    ("blk_io_error", " @ LBA ", r"^(?P<object>nvme\w+): .* @ LBA \d+, \d+ blocks, "),
    ("blk_io_error", "Disk failure on", r"(?P<object>md\w+): Disk failure on "),
    ("blk_io_error", "unrecoverable I/O", r"(?P<object>md\w+): .*unrecoverable I/O (?:read )?error"),
    ("blk_io_error", "Failing path", r"multipath: .*Failing path (?P<object>\d+:\d+)"),
    ("blk_io_error", "ead-error on swap", r"[Rr]ead-error on swap-device \((?P<object>\d+:\d+):"),
    ("blk_io_error", "rite-error on swap", r"[Ww]rite-error on swap-device \((?P<object>\d+:\d+):"),
    (
        "blk_io_error",
        "transferring data|sending stop|sending status|recovery failed!",
        r"^(?P<object>mmcblk\w+): (?:error -\d+ (?:transferring data|sending (?:stop|status) )|recovery failed!)",
    ),
    ("ata_icrc", "ICRC", rf"{PORT}error: \{{ .*ICRC"),
    ("blk_medium_error", "UNC", rf"{PORT}error: \{{ .*UNC"),
    (
        "ata_link_reset",
        "exception Emask|resetting link|COMRESET failed|SRST failed|reset failed",
        rf"{PORT}(?:exception Emask|(?:hard|soft) resetting link|COMRESET failed|SRST failed|reset failed)",
    ),
    (
        "ata_link_reset",
        "failed command|limiting S|limiting s|SError: {|qc timeout|: disabled|disable device",
        rf"{PORT}(?:failed command|limiting (?:SATA|speed)|SError: \{{ \w|qc timeout|disabled?$|disable device)",
    ),
    (
        "ata_link_reset",
        "softreset failed|revalidation failed|connection status|failed to IDENTIFY",
        rf"{PORT}(?:softreset failed|revalidation failed|.*connection status changed|failed to IDENTIFY)",
    ),
    ("nvme_reset", " QID ", rf"{NVME}I/O .*\btimeout\b"),
    (
        "nvme_reset",
        "controller is down|resetting controller|Device not ready|Abort status",
        rf"{NVME}(?:controller is down|resetting controller|Device not ready|Abort status: 0x[1-9a-f])",
    ),
    ("nvme_reset", "Failed status: ", rf"{NVME}Failed status: [0-9a-f]+, reset controller"),
    (
        "nvme_reset",
        "Removing after|Disabling device|shutdown incomplete",
        rf"{NVME}(?:Removing after probe failure|Disabling device after reset|Device shutdown incomplete)",
    ),
    (
        "nvme_reset",
        "Identify Controller failed|keep_alive|keep-alive|Reconnecting in",
        rf"{NVME}(?:Identify Controller failed|failed nvme_keep_alive|keep-alive failed|Reconnecting in \d+)",
    ),
    (
        "usb_disconnect_storage",
        "Synchronize Cache",
        r"\[(?P<object>sd\w+)\] Synchronize Cache\(1[06]\) failed: .*hostbyte=(?:DID_(?:NO_CONNECT|ERROR)|0x0[17])",
    ),
    ("scsi_timeout", "hostbyte=", rf"\[(?P<object>sd\w+)\].*hostbyte=(?:DID_(?:{TRANSPORT})|0x0(?:[134568b]|e|f)\b)"),
    ("scsi_timeout", "rejecting I/O to ", rf"^(?:sd|scsi) {SCSI}: .*rejecting I/O to (?:offline|dead) device"),
    ("scsi_timeout", "Device offlined", rf"^(?:sd|scsi) {SCSI}: Device offlined"),
    (
        "scsi_timeout",
        "attempting ",
        r"(?P<object>(?:target)?\d+:\d+:\d+(?::\d+)?): attempting (?:task abort|target reset|device reset|host reset)",
    ),
    (
        "scsi_timeout",
        "attempting ",
        r"^(?:mptscsih: )?(?P<object>mpt\w*sas\w*|ioc\d+): attempting (?:task abort|(?:target|device|host) reset)",
    ),
    ("scsi_timeout", "megasas: RESET", r"(?:\[(?P<object>sd\w+)\] |^)megasas: RESET "),
    ("usb_disconnect_storage", "uas_zap_pending", r"\[(?P<object>sd\w+)\].* uas_zap_pending "),
    ("scsi_timeout", "uas_eh_", r"\[(?P<object>sd\w+)\].* uas_eh_\w+ "),
    ("scsi_timeout", "uas_eh_", r"^scsi (?P<object>host\d+): uas_eh_\w+ "),
    ("scsi_timeout", "device_block", rf"^sd {SCSI}: device_block, handle"),
    (
        "scsi_timeout",
        "megaraid_sas",
        rf"^megaraid_sas {PCI}: (?:resetting fusion|IO/DCMD timeout|.*in crit error|.*waiting for \d+ commands)",
    ),
    ("scsi_timeout", "sending diag reset", r"^(?P<object>mpt\w+): sending diag reset"),
    (
        "scsi_timeout",
        "aacraid: Host ",
        r"^aacraid: Host (?:adapter abort|adapter reset|bus reset) request(?: \((?P<object>[\d,]+)\))?",
    ),
    ("nic_reset", "NETDEV WATCHDOG", r"NETDEV WATCHDOG: (?P<object>[\w.@-]+) \(.*transmit queue \d+ timed out"),
    ("nic_reset", "NETDEV WATCHDOG", rf"{INTERFACE}: NETDEV WATCHDOG: .*transmit queue \d+ timed out"),
    ("nic_reset", "Unit Hang", rf"{INTERFACE}: Detected (?:Tx|Hardware) Unit Hang"),
    ("nic_reset", "imed out, resetting", rf"{INTERFACE}: [Tt]ransmit timed out, resetting"),
    (
        "nic_reset",
        "tx timeout|tx_timeout|TX timeout|clear Tx work",
        rf"{INTERFACE}: (?:initiating reset (?:due to tx timeout|to clear Tx)|tx_timeout: |TX timeout (?:detected|on))",
    ),
    ("nic_reset", "tx hang", rf"{INTERFACE}: tx hang \d+ det"),
    ("nic_reset", "Reset adapter", rf"{INTERFACE}: Reset adapter"),
    ("nic_reset", "SW error detected", rf"^iwlwifi {PCI}: Microcode SW error detected"),
    ("nic_reset", "firmware crashed", rf"^\w+ {PCI}: firmware crashed"),
    ("conntrack_full", "able full", r"(?P<object>(?:nf|ip)_conntrack): table full(?: in netns \d+)?, dropping packet"),
    (
        "link_down",
        "ink is Down|ink is down|ink Down|ink down",
        rf"{INTERFACE}:? (?:NIC )?(?:(?:Copper|Fibre|SerDes) )?[Ll]ink (?:is )?[Dd]own",
    ),
    ("link_down", "link status", r"\(slave (?P<object>[\w.@-]+)\): link status definitely down"),
    ("link_down", "link status", r"link status (?:definitely )?down for interface (?P<object>[\w.@-]+)"),
    ("link_down", "without any active", rf"{INTERFACE}: now running without any active interface"),
    ("segfault", "]: segfault ", r"^(?P<object>.+?)\[\d+\]: segfault (?:at |\(\d+\) at )"),
    ("segfault", "traps: ", r"^traps: (?P<object>.+?)\[\d+\] (?:general protection|trap (?:invalid|divide|stack))"),
    (
        "segfault",
        "]: unhandled ",
        r"^(?P<object>.+?)\[\d+\]: unhandled (?:exception|level \d|signal (?:4|7|8|11)\b|alignment)",
    ),
    # Two that are no faults alone ("killed" above is the third): faults.py looks at what happened beside them.
    ("usb_storage", "usb-storage ", r"^(?:scsi host\d+: )?usb-storage (?P<object>[\d.-]+):\d+\.\d+"),
    ("usb_disconnect", "USB disconnect", r"^usb (?P<object>[\d.-]+): USB disconnect, device number"),
)
