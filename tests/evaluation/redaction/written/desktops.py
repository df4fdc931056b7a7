"""Remote desktops, and what installs and enrols machines."""

from __future__ import annotations

from tests.evaluation.redaction.family import (
    ALNUM,
    DIGITS,
    Family,
    basic,
    chars,
    encoded,
    one_of,
    password,
)
from tests.evaluation.redaction.kept_out.forms import (
    HEXES,
    base64_of,
    groups,
    octets,
    salted,
)

DESKTOPS: tuple[Family, ...] = (
    Family(
        "vnc password",
        chars(ALNUM, 8),
        (
            "x11vnc -display :0 -passwd {secret} -forever",
            "vncpasswd <<< {secret}",
            "echo {secret} | vncpasswd -f > ~/.vnc/passwd",
            "VNC_PW={secret}",
        ),
    ),
    Family(
        "vnc registry value",
        octets(8, ","),
        ('[HKEY_LOCAL_MACHINE\\SOFTWARE\\TightVNC\\Server]\n"Password"=hex:{secret}', '"ControlPassword"=hex:{secret}'),
    ),
    Family(
        "ultravnc",
        chars(HEXES, 18),
        (
            "[ultravnc]\npasswd={secret}\npasswd2={secret}",
            "[admin]\nUseRegistry=0\n[ultravnc]\npasswd2={secret}",
        ),
    ),
    Family(
        "rdp login",
        chars(ALNUM, 14),
        (
            "xfreerdp /v:{host} /u:{user} /p:{secret} /cert:ignore",
            "rdesktop -u {user} -p {secret} {host}",
            "cmdkey /generic:{host} /user:{user} /pass:{secret}",
            '<param name="password">{secret}</param>',
        ),
    ),
    Family(
        "rdp file password",
        chars(HEXES, 400),
        (
            "username:s:{user}\npassword 51:b:01000000D08C9DDF0115D1118C7A00C04FC297EB{secret}",
            "full address:s:{host}\npassword 51:b:01000000D08C9DDF0115D1118C7A00C04FC297EB{secret}\nscreen mode id:i:2",
        ),
    ),
)
INSTALLATION: tuple[Family, ...] = (
    Family(
        "unattend.xml",
        one_of(password, base64_of(password, after="AdministratorPassword", encoding="utf-16-le")),
        (
            "<AdministratorPassword>\n <Value>{secret}</Value>\n</AdministratorPassword>",
            "<AutoLogon><Username>{user}</Username><Password><Value>{secret}</Value></Password></AutoLogon>",
            "<Credentials><Domain>CORP</Domain><Password>{secret}</Password><Username>{user}</Username></Credentials>",
        ),
    ),
    Family(
        "group policy password",
        encoded(48),
        (
            '<Properties action="U" userName="{user}" cpassword="{secret}" changeLogon="0"/>',
            "Cpassword : {secret}",
        ),
    ),
    Family(
        "windows command",
        chars(ALNUM + "!#", 13),
        (
            "net user {user} {secret} /add",
            "net use \\\\{host}\\s {secret} /user:CORP\\{user}",
            'ConvertTo-SecureString "{secret}" -AsPlainText -Force',
            "    DefaultPassword    REG_SZ    {secret}",
            "schtasks /create /tn t /tr c /ru {user} /rp {secret}",
            "psexec \\\\{host} -u {user} -p {secret} cmd",
        ),
    ),
    Family(
        "wlan profile",
        chars(ALNUM, 16),
        (
            "<sharedKey><keyType>passPhrase</keyType><protected>false</protected><keyMaterial>{secret}</keyMaterial></sharedKey>",
            "    Key Content            : {secret}",
        ),
    ),
    Family(
        "product key",
        groups("BCDFGHJKMPQRTVWXY2346789", 5, 5),
        ("slmgr /ipk {secret}", "<ProductKey>{secret}</ProductKey>", "OA3xOriginalProductKey  {secret}"),
    ),
    Family(
        "cloud-init",
        password,
        (
            "#cloud-config\nchpasswd:\n  list: |\n    root:{secret}\n    {user}:other1",
            "    plain_text_passwd: '{secret}'",
            "#cloud-config\npassword: {secret}\nchpasswd: { expire: False }",
            "chpasswd:\n  users:\n  - {name: root, password: {secret}, type: text}",
        ),
    ),
    Family(
        "kickstart and preseed",
        password,
        (
            "rootpw --plaintext {secret}",
            "d-i passwd/root-password password {secret}",
            "user --name={user} --plaintext --password={secret}",
            "part / --encrypted --passphrase={secret}",
            "echo 'root:{secret}' | chpasswd",
        ),
    ),
    Family(
        "mqtt login",
        password,
        (
            "mosquitto_pub -h {host} -u {user} -P {secret} -t a -m 1",
            "remote_username {user}\nremote_password {secret}",
            "mqtt:\n  broker: {host}\n  username: {user}\n  password: {secret}",
        ),
    ),
    Family(
        "mosquitto hash",
        salted(16, 86),
        (
            "{user}:$7$101${secret}==",
            "password_file entry {user}:$7$101${secret}== loaded",
        ),
    ),
    Family(
        "radio network key", octets(16, " "), ("AppKey: {secret}", "nwkSKey = {secret}", "zigbee network_key: {secret}")
    ),
    Family(
        "sim unlock code",
        chars(DIGITS, 8),
        ('AT+CPIN="{secret}","4711"', "ModemManager: puk={secret}", "mmcli -i 0 --puk={secret}"),
    ),
    Family(
        "registry pull secret",
        base64_of(basic, '{"auths":{"r":{"auth":"', '"}}}'),
        (".dockerconfigjson: {secret}", '".dockerconfigjson":"{secret}"'),
    ),
)
ALL: tuple[Family, ...] = (*DESKTOPS, *INSTALLATION)
