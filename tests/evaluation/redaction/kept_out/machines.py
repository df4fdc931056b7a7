"""File services, controllers of machines, disk encryption."""

from __future__ import annotations

from tests.evaluation.redaction.family import (
    ALNUM,
    DIGITS,
    UPPER,
    Family,
    chars,
    encoded,
    password,
)
from tests.evaluation.redaction.kept_out.forms import (
    HEX,
    base64_of,
    groups,
    octets,
    recovery_key,
    uuid,
)

FILES: tuple[Family, ...] = (
    Family(
        "cifs credentials",
        password,
        (
            "username={user}\npassword={secret}\ndomain=CORP",
            "//{host}/share /mnt/s cifs username={user},password={secret},vers=3.0 0 0",
            "mount -t cifs -o user={user},pass={secret} //{host}/s /mnt",
            "CIFS: mount options: username={user},password={secret}",
        ),
    ),
    Family(
        "samba secret",
        password,
        (
            'key(34) = "SECRETS/MACHINE_PASSWORD/CORP"\ndata(15) = "{secret}\\00"',
            "net ads join -U {user}%{secret}",
            "wbinfo -a CORP\\\\{user}%{secret}",
            "smbpasswd -w {secret}",
        ),
    ),
    Family(
        "keytab key",
        chars(HEX, 64),
        ("   3 host/{host}@CORP (aes256-cts-hmac-sha1-96)  (0x{secret})", "addent: key aes256-cts {secret}"),
    ),
    Family(
        "kerberos password",
        password,
        (
            "kadmin: addprinc -pw {secret} {user}",
            "kadmin -p admin/admin -w {secret} -q listprincs",
            "echo '{secret}' | kinit {user}@CORP",
            "password for {user}@CORP: {secret}",
        ),
    ),
    Family("rsync secret", password, ("RSYNC_PASSWORD={secret}", "# /etc/rsyncd.secrets\n{user}:{secret}")),
    Family(
        "plain protocols",
        password,
        (
            "---> USER {user}\n---> PASS {secret}",
            "lftp -u {user},{secret} {host}",
            "wget --ftp-user={user} --ftp-password={secret} ftp://{host}/a",
            "C: a1 LOGIN {user} {secret}",
            'vsftpd[77]: [{user}] FTP command: Client "10.0.0.9", "PASS {secret}"',
            "< +OK send PASS\n> PASS {secret}",
        ),
    ),
    Family(
        "mail login",
        base64_of(password, "\0svc-mail\0"),
        (
            "C: AUTH PLAIN {secret}",
            ">>> AUTH PLAIN {secret}",
            "a2 AUTHENTICATE PLAIN {secret}",
            "S: 334 UGFzc3dvcmQ6\nC: {secret}",
        ),
    ),
)
CONTROLLERS: tuple[Family, ...] = (
    Family(
        "idrac",
        chars(ALNUM, 14),
        (
            "racadm -r {host} -u root -p {secret} getsysinfo",
            "racadm set iDRAC.Users.2.Password {secret}",
            '<Attribute Name="Users.2#Password">{secret}</Attribute>',
        ),
    ),
    Family(
        "ilo",
        chars(ALNUM, 12),
        (
            '<LOGIN USER_LOGIN="{user}" PASSWORD="{secret}">',
            '<PASSWORD value="{secret}"/>',
            "hponcfg: set user {user} password {secret}",
            "ilorest login {host} -u {user} -p {secret}",
        ),
    ),
    Family(
        "ipmi password",
        chars(ALNUM, 16),
        (
            "ipmitool user set password 2 {secret}",
            "ipmi-power -h {host} -u {user} -p {secret} --stat",
            "fence_ipmilan: passwd={secret} login={user}",
            "IPMI_PASSWORD={secret}",
        ),
    ),
    Family(
        "redfish",
        chars(HEX, 32),
        (
            "X-Auth-Token: {secret}",
            '{"UserName":"{user}","Password":"{secret}"}',
            "< X-Auth-Token: {secret}\n< Location: /redfish/v1/SessionService/Sessions/1",
        ),
    ),
    Family(
        "vcenter",
        password,
        (
            "GOVC_PASSWORD={secret}",
            "vpxd.db.password={secret}",
            "esxcli -s {host} -u {user} -p {secret} system version get",
            'Connect-VIServer -Server {host} -User {user} -Password "{secret}"',
            "vcenter_password: '{secret}'",
        ),
    ),
    Family(
        "proxmox token",
        uuid,
        (
            "Authorization: PVEAPIToken={user}@pam!ci={secret}",
            'pm_api_token_secret = "{secret}"',
            "proxmox-backup-client: PBS_PASSWORD={secret}",
        ),
    ),
    Family(
        "proxmox ticket",
        encoded(256),
        ("Cookie: PVEAuthCookie=PVE:root@pam:65F1A2B3::{secret}", '"ticket":"PVE:root@pam:65F1A2B3::{secret}"'),
    ),
    Family(
        "libvirt secret",
        chars(ALNUM, 12),
        (
            "<graphics type='vnc' port='5901' passwd='{secret}'/>",
            "virsh secret-set-value {hex} --base64 {secret}",
            "qemu-system-x86_64 -object secret,id=sec0,data={secret}",
        ),
    ),
    Family(
        "ceph key",
        lambda r: "AQ" + "".join(r.choices(ALNUM + "+/", k=36)) + "==",
        (
            "[client.admin]\n\tkey = {secret}",
            "10.0.0.5:6789:/ /mnt ceph name={user},secret={secret}",
            "mount.ceph: options secret={secret}",
        ),
    ),
)
DISKS: tuple[Family, ...] = (
    Family(
        "luks volume key",
        octets(64, " ", 16, "\t\t"),
        (
            "MK bits:       \t512\nMK dump:\t{secret}",
            "Key bits:\t512\nVolume key:\t{secret}",
        ),
    ),
    Family(
        "device mapper key",
        chars(HEX, 128),
        (
            "luks-root: 0 976773168 crypt aes-xts-plain64 {secret} 0 8:2 4096",
            "dmsetup create c --table '0 2048 crypt aes-xts-plain64 {secret} 0 /dev/sdb 0'",
        ),
    ),
    Family(
        "bitlocker recovery key",
        recovery_key,
        (
            "  Numerical Password:\n    ID: {5A1C0D5E-1111-2222-3333-444455556666}\n    Password:\n      {secret}",
            "Recovery Key: {secret}",
            "manage-bde -unlock D: -RecoveryPassword {secret}",
            "msFVE-RecoveryPassword: {secret}",
            "Recovery Key\n\n\t{secret}\n",
        ),
    ),
    Family(
        "filevault recovery key",
        groups(UPPER + DIGITS, 4, 6),
        ("Recovery key = '{secret}'", "<key>RecoveryKey</key>\n<string>{secret}</string>"),
    ),
    Family(
        "volume passphrase",
        password,
        (
            "echo '{secret}' | zfs load-key tank/home",
            "echo -n {secret} | cryptsetup luksOpen /dev/sdb1 data -",
            "veracrypt --text --password={secret} /dev/sdb1 /mnt",
            "manage-bde -on C: -pw {secret}",
        ),
    ),
)
ALL: tuple[Family, ...] = (*FILES, *CONTROLLERS, *DISKS)
