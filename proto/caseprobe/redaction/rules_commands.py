"""Secrets that programs take as arguments, by option or by place, and that shells pipe into them."""

from __future__ import annotations

from caseprobe.redaction.rule import Rule

# A quote as it stands, or escaped by the JSON that it was put into, once or twice.
QUOTE = rb"(?:\\{0,3}[\"'])?"
WORD = rb"([^\s\"'`\\;|&<>]{3,1024}+)"
LOGIN = QUOTE + rb"[^\s:\"'/]{1,255}+:([^\s\"'\\]{2,1024}+)"
BETWEEN = rb"(?:\s{1,4}[^\s|;&]{1,1024}+){0,16}?\s{1,4}"
# What such an option may also name: how a key is used, not the key.
METHOD = (
    rb"(?:(?:hmac)?-?(?:md5|sha)[-0-9]{0,8}|des|3des|aes[-0-9a-z]{0,8}|ask|prompt|stdin|none|file:\S{1,255}"
    rb"|env:\S{1,255}|-|management|exchange|files?|length|size|server|daemon)(?![\w.-])"
)
# Programs, and the options, in lower case, by which they take a secret.
OPTIONS: tuple[tuple[bytes, bytes], ...] = (
    (
        rb"ipmi(?:tool|power|console|-[a-z]{2,12})|racadm|bmc-\w{2,12}|ilorest|hponcfg|smcipmitool",
        rb"-[pky]|--password",
    ),
    (rb"(?:redis|valkey|keydb)-cli", rb"-a|--pass"),
    (rb"ldap(?:search|modify|add|delete|passwd|whoami|compare|modrdn|exop)|ds\w{2,12}", rb"-[wsa]"),
    (rb"snmp(?:bulk)?(?:walk|get|getnext|set|table|trap|inform|status|df|netstat|usm|test|translate)", rb"-[axcyk]"),
    (
        rb"sshpass|docker|podman|nerdctl|buildah|skopeo|helm|oras|mongo(?:sh|dump|restore|export|import|stat"
        rb"|top)?|influx|isql|x?freerdp3?|rdesktop|net"
        rb"|openstack|vncdo|vncviewer|oc|argocd|az|rancher|vault|mc|rclone|mosh|ftp|lftp|ncftp|smbclient|rpcclient",
        rb"-p|/p:|--password",
    ),
    (
        rb"sqlcmd|bcp|mosquitto_\w{2,12}|zip|unzip|tsql|osql|winexe|cqlsh|useradd|usermod|psexec(?:64)?|wmic"
        rb"|clickhouse(?:-client| client)?|zkcli|htpasswd|bteq|db2|nzsql|vsql"
        rb"|crackmapexec|nxc|evil-winrm|wmiexec\S{0,6}|kinit|kadmin(?:\.local)?|ipa\S{0,24}|realm|adcli"
        rb"|zabbix\S{0,12}|sipp|sipsak|snmptrap|usermod|pdbedit|openvpn|radtest|eapol_test",
        rb"-p|-pw|-w|-s|--pass",
    ),
    (
        rb"7z[az]?|7zr|rar|unrar|openssl|keytool|jarsigner|signtool|apksigner|gpg2?|age|ccrypt|cryptsetup"
        rb"|ssh-keygen|certutil|pk12util|pkcs12|osslsigncode|pkcs11-tool|yubico-piv-tool",
        rb"-p|-k|-n|-(?:store|key|src\w{0,4}|dest\w{0,4})pass|-pass(?:in|out)?\s{1,4}pass:|-passphrase"
        rb"|--passphrase|--pin|--so-pin|--login-pin|-hmac|-macopt\s{1,4}(?:hex)?key:",
    ),
    (rb"x11vnc|x0vncserver|vncserver|tigervnc|tightvnc|wayvnc", rb"-passwd|-viewpasswd|-password"),
    (
        rb"java|jenkins-cli\S{0,12}|agent\.jar|mvn|gradle\w{0,1}",
        rb"-secret|-auth\s{1,4}[^\s:]{1,128}:|-d[\w.]{0,64}pass\w{0,8}=",
    ),
    (rb"(?:dotnet\s{1,4})?nuget(?:\.exe)?|choco|octo|paket", rb"-k|-apikey|--api-key|-password"),
    (rb"schtasks|runas|net|sc|cmdkey|wmic|psexec(?:64)?|rasdial|cmd", rb"/rp|/pass:|/p|/password:|-p"),
    (rb"beam\.smp|erl|rabbitmqctl|rabbitmq-\w{2,12}|ejabberdctl|vernemq", rb"-setcookie|--erlang-cookie"),
    (
        rb"hdparm",
        rb"--security-(?:set-pass|unlock|disable|erase|erase-enhanced|prompt)(?:\s{1,4}(?:u|m"
        rb"|user-master\s{1,4}[um]))?",
    ),
    (rb"nvme", rb"-s|--dhchap-(?:ctrl-)?secret|-c"),
    (rb"radtest|radclient|radeapclient", rb"-s"),
    (
        rb"curl|wget|httpie|https?|aria2c|xh",
        rb"--(?:http-|ftp-|proxy-)?(?:password|passwd|pass|oauth2-bearer|user\s{1,4}[^\s:]{1,128}:)",
    ),
    (
        rb"op|bw|lpass|pass|keepassxc-cli|chamber|doppler|infisical|akeyless|sops|infisical",
        rb"--secret-key|--session|--token|--password",
    ),
    (
        rb"kubectl|kubeadm|k3s|rke2|nomad|consul|terraform|tofu|pulumi|ansible\S{0,12}",
        rb"--(?:docker-)?password|--token|--from-literal=[\w.-]{1,64}|-var\s{1,4}\W?[\w.-]{0,64}(?:pass|secret"
        rb"|token|key)\w{0,24}",
    ),
    (
        rb"l2tp\w{0,8}|pptp\w{0,8}|pppd|vpnc\S{0,12}|openconnect|openfortivpn|forticlient\w{0,8}|strongswan"
        rb"|ipsec|swanctl|nmcli|wg|iwconfig|iw|iwctl|wpa_cli|netsh",
        rb"--?pass\w{0,12}|--cookie|--token-secret|-p|key|psk|password|passphrase|keys|secret|wifi-sec\.(?:psk"
        rb"|wep-key\d)|vpn\.secrets?|keycontent|key=",
    ),
)
# Programs and where among their arguments the secret stands; PLACE is any argument.
PLACE = rb"\s{1,8}[^\s|;&]{1,1024}+"
FLAGS = rb"(?:\s{1,8}-[^\s|;&]{1,255}+){0,8}"
PLACES: tuple[bytes, ...] = (
    rb"htpasswd\s{1,4}-[a-z]{0,6}b[a-z]{0,6}" + PLACE + PLACE + rb"\s{1,4}" + WORD,
    rb"(?:ejabberdctl|prosodyctl)"
    + FLAGS
    + rb"\s{1,4}(?:register|change_password|check_password)"
    + PLACE
    + PLACE
    + rb"\s{1,4}"
    + QUOTE
    + WORD,
    rb"(?:lftp|ncftp\w{0,4}|open)\s{1,4}(?:[^|;&\n]{0,120}?\s)?-u\s{0,4}"
    + QUOTE
    + rb"[^\s,\"']{1,128},([^\s\"'\\]{3,255}+)",
    rb"(?:radclient|radeapclient)"
    + FLAGS
    + PLACE
    + rb"\s{1,4}(?:auth|acct|status|coa|disconnect|auto)\s{1,4}"
    + QUOTE
    + WORD,
    rb"tpm2_changeauth" + BETWEEN + QUOTE + WORD + rb"(?=\s{0,4}(?:$|[\"'\\|;&\n]))",
    rb"(?:rabbitmqctl|rabbitmqadmin|ejabberdctl|prosodyctl)"
    + FLAGS
    + rb"\s{1,4}(?:add_user|change_password|authenticate_user|register|set_password)"
    + PLACE
    + rb"\s{1,4}"
    + QUOTE
    + WORD,
    rb"sqlplus" + FLAGS + rb"\s{1,4}" + QUOTE + rb"[\w$#-]{1,64}/" + QUOTE + rb"([^\s\"'/\\]{2,255}+)",
    rb"(?:rman|expdp?|impdp?|sqlldr|tnsping|lsnrctl|dgmgrl|adrci|connect|conn|target|catalog"
    rb"|auxiliary)\s{1,4}(?:target\s|userid=)?" + QUOTE + rb"[\w$#]{1,64}/([^\s@\"'/]{3,255}+)(?=@|\s|$|\"|')",
    rb"isql" + FLAGS + rb"\s{1,4}[\w.-]{1,64}\s{1,4}[\w.-]{1,64}\s{1,4}" + WORD,
    rb"composer\s{1,4}(?:global\s{1,4})?config\s{1,4}(?:--?\S{1,32}\s{1,4}){0,4}(?:http-basic|bearer"
    rb"|gitlab-token|github-oauth|bitbucket-oauth|gitlab-oauth)\.\S{1,255}"
    rb"(?:\s{1,4}[^\s-]\S{0,255})??\s{1,4}" + QUOTE + rb"([^\s\"'\\]{6,1024}+)(?=\s{0,4}(?:$|[\"'\\|;&\n]))",
    rb"(?:cargo|npm|yarn|gem|pulumi|tailscale|netlify|sentry-cli|snyk|flyctl|fly)\s{1,4}(?:login|owner\s\S{1,32}"
    rb"|publish|auth)\s{1,4}(?!-)" + QUOTE + rb"([^\s\"'\\]{16,1024}+)",
    rb"vault\s{1,4}(?:operator\s{1,4}unseal|login|unwrap)"
    + FLAGS
    + rb"\s{1,4}(?!-)(?:token=)?"
    + QUOTE
    + rb"([^\s\"'\\=]{16,255}+=?)",
    rb"(?:ngrok|cloudflared|twingate|zerotier-cli|netbird|wandb|huggingface-cli|snyk|railway|render"
    rb"|fly)\s{1,4}(?:config\s{1,4}|service\s{1,4}|tunnel\s{1,4}|auth\s{1,4}|install\s{1,4}){0,3}"
    rb"(?:add-authtoken|authtoken|login|auth|install|run|--token)\s{1,4}(?:--?\S{1,16}[\s=]{1,4})?"
    + QUOTE
    + rb"([^\s\"'\\-][^\s\"'\\]{15,1024}+)",
    rb"neo4j-admin\s{1,4}(?:dbms\s{1,4})?set-initial-password\s{1,4}" + QUOTE + WORD,
    rb"(?:slmgr(?:\.vbs)?\s{1,4}/ipk|changepk(?:\.exe)?\s{1,4}/productkey"
    rb"|ospp\.vbs\s{1,4}/inpkey:)\s{0,4}([a-z0-9-]{25,32})",
    rb"net\s{1,4}user" + PLACE + rb"\s{1,4}(?![/*])(?=\S{0,64}[0-9!#$%@])" + QUOTE + WORD,
    rb"net\s{1,4}use" + rb"(?:\s{1,4}[a-z]:)?\s{1,4}\\{2,8}\S{1,255}\s{1,4}(?![/*])" + QUOTE + WORD + rb"(?=\s{1,4}/)",
    rb"(?:convertto-securestring|new-object\s\S{0,64}credential\()\s{1,4}(?:-string\s{1,4})?"
    + QUOTE
    + rb"([^\"'\n\\$]{3,255}+)",
    rb"(?:-asplaintext|-force)\s{1,4}(?:-force\s{1,4})?" + QUOTE + rb"([^\s\"'\n\\$-]{3,255}+)",
    rb"(?:smbpasswd|passwd|chpasswd|vncpasswd|x11vnc|kinit|cryptsetup|sudo|su|gpg|openconnect|mysql|psql|base64"
    rb"|openssl|ssh-add|docker|podman|helm|az|gh|vault|restic|borg|age|tee|wpa_passphrase)\b[^|\n]{0,255}"
    rb"<<<\s{0,4}" + QUOTE + rb"([^\s\"'\\]{3,1024}+)",
    rb"(?:echo|printf)\s{1,4}(?:-\w{1,4}\s{1,4}|"
    + QUOTE
    + rb"%s(?:\\{1,3}n)?"
    + QUOTE
    + rb"\s{1,4}){0,3}"
    + QUOTE
    + rb"(?:[\w.-]{1,64}:)?([^\s\"'\\|$][^\"'\\|\n]{2,1024}?)"
    + QUOTE
    + rb"\s{0,4}\|\s{0,4}(?:sudo\s{1,4}(?:-\w{1,4}\s{1,4}){0,3})?(?:/\S{0,64}/)?(?:smbpasswd|passwd|chpasswd"
    rb"|vncpasswd|kinit|cryptsetup|sudo\s{1,4}-s|su\b|gpg|openconnect|docker|podman|helm|systemd-creds"
    rb"|mysql|gh\b|vault|restic|borg|age\b|wpa_passphrase|ssh-add|openssl|ipa-|realm|adcli|ansible-vault"
    rb"|kubeseal|nerdctl|skopeo|oras|base64|sha\d|mkpasswd|net\b|cadaver|passwordless|pinentry|tpm2_\w{2,16}"
    rb"|clevis|zfs|sops|npm|kadmin\S{0,8}|ipmitool|openfortivpn|vpnc)",
    rb"vpnc\s{1,4}.{0,200}?(?:xauth\s{1,4}password|ipsec\s{1,4}secret)\s{1,4}" + WORD,
    rb"\bat\+(?:cpin|clck|cpwd)=\\{0,3}\"?([a-z0-9]{4,16})",
    rb"(?:--)?(?:user\s{1,4}set\s{1,4}password\s{1,4}\d{1,3}|set(?:sid0pw?d?|password|_password)|initialsetup"
    rb"|setadmin1pwd|idrac\.\S{1,32}password|set-user-password|user-password)\s{1,4}" + QUOTE + WORD,
    rb"(?:radtest)(?:\s{1,4}-\S{1,16}(?:\s{1,4}(?:pap|chap|mschap|eap-md5))?){0,3}"
    + PLACE
    + rb"\s{1,4}"
    + QUOTE
    + WORD
    + PLACE
    + PLACE
    + rb"\s{1,4}"
    + QUOTE
    + WORD,
    rb"(?:addprinc|cpw|ank|change_password|modprinc|secret-set-value)\s{1,4}(?:\S{1,255}\s{1,4}){0,6}?(?:-pw\s{1"
    rb",4}|--base64\s{1,4})" + QUOTE + WORD,
    rb"secret-set-value\s{1,4}[\w-]{1,64}\s{1,4}" + QUOTE + WORD,
    rb"(?:wifi|wlan)\s{1,4}connect\s{1,4}.{1,64}?\s{1,4}password\s{1,4}" + QUOTE + rb"([^\s\"'\\]{5,63}+)",
    rb"(?:-y|--key)\s{1,4}(?:hmac-\w{2,12}:)[\w.-]{1,255}:([a-z0-9+/=]{8,255})",
    rb"(?:pvesh|pveum|qm|pct)\s{1,4}.{0,200}?--?(?:cipassword|password)\s{1,4}" + QUOTE + WORD,
    rb"key\s{1,4}s:([^\s\"']{5,64}+)",
    rb"(?:iwconfig|iw)\s{1,4}.{0,120}?(?:key|keys)\s{1,4}(?:(?:restricted|open"
    rb"|\[\d\])\s{1,4}){0,3}(?:d?:?\d:)?([a-z0-9-]{5,64})",
    rb"mmcli\s{1,4}.{0,120}?--p(?:in|uk)=([0-9]{4,12})",
    rb"(?:mgmt-user|local-userdb\s{1,4}add)\s{1,4}[\w.-]{1,64}\s{1,4}\w{2,24}\s{1,4}([a-z0-9]{16,128})",
)


def _option(programs: bytes, letters: bytes) -> bytes:
    value = BETWEEN + rb"(?:" + letters + rb")[=\s:]?\s{0,4}" + QUOTE + rb"(?!" + METHOD + rb")" + WORD
    return rb"(?<![\w-])(?:" + programs + rb")(?:\.exe)?" + value + rb"(?:" + value + rb")?"


# All but the last take options with a sign. Without it, "net" and "op" in a kernel's log had this pattern compiled.
SIGNED = b"|".join(programs for programs, _ in OPTIONS[:-1])
OPTION_LOOK = rb"\b(?:(?:" + SIGNED + rb")(?:\.exe)?\s(?:.*\s)?[-/]|(?:" + OPTIONS[-1][0] + rb")(?:\.exe)?\s+\S)"
PLACE_LOOK = (
    rb"\b(?:lftp|ncftp\w*|open\s+-u|radclient|radeapclient|tpm2_changeauth|htpasswd|rabbitmqctl|rabbitmqadmin|ejabberdctl|prosodyctl|sqlplus|rman|expdp?|impdp?|sqlldr|isql"
    rb"|composer|cargo|npm|yarn|gem|pulumi|tailscale|netlify"
    rb"|sentry-cli|snyk|flyctl|fly|vault|ngrok|cloudflared|netbird|wandb|huggingface-cli|railway|neo4j-admin"
    rb"|slmgr|changepk|net|convertto-securestring|new-object|vpnc"
    rb"|radtest|addprinc|cpw|ank|change_password|modprinc|secret-set-value|nsupdate|dig|pvesh|pveum|qm|iwconfig"
    rb"|iw|mmcli|mgmt-user|local-userdb|twingate|render"
    rb"|zerotier-cli|ospp\.vbs|idrac\.\S*)\s"
    rb"|(?:connect|conn|target|catalog|auxiliary)\s+[\w$#\"']+/\S|-asplaintext|<<<|\b(?:echo|printf)\s"
    rb"|at\+c|password\s+[0-9]+\s|key\s+s:|-y\s+hmac|--key\s+hmac"
    rb"|(?:wifi|wlan)\s+connect|setsid0pw|set-?user-password|setpassword|initialsetup|setadmin1"
)
COMMANDS: tuple[Rule, ...] = (
    Rule(
        "option",
        (),
        b"|".join(_option(*one) for one in OPTIONS),
        "ipmitool -I lanplus -H 10.0.0.9 -U admin -P calvin sel list",
        "zip archive is broken",
        look=OPTION_LOOK,
    ),
    Rule(
        "argument",
        (),
        rb"(?<![\w-])(?:" + b"|".join(PLACES) + rb")",
        "rabbitmqctl add_user anna correct-horse1",
        "net user accounts are listed",
        look=PLACE_LOOK,
    ),
    Rule(
        "login_option",
        (),
        rb"(?:^|\s)(?:-u|--user|--proxy-user|-auth|-a|--[\w.-]{0,32}(?:auth|login|basic|creds?|credentials|userpwd))[=\s]\s{0,4}"
        + LOGIN
        + rb"|\b(?:stats\s{1,4}auth|login=|proxy_auth=|cache_peer_login=|userpwd=|register\s{0,4}=>?)\s{0,4}"
        + LOGIN,
        "tool --auth anna:hunter2 list",
        "-u 1000:1000",
        look=rb"(?:(?:^|\s)(?:-u|--user|--proxy-user|-auth|-a|--[\w.-]*(?:auth|login|basic|creds?|credentials|userpwd))[=\s]\s*"
        rb"|stats\s+auth\s+|login=|proxy_auth=|userpwd=|register\s*=>?\s*)[^\s:]+:[^\s/]",
        unless=rb"\s{0,4}\S{1,16}[=\s]\s{0,4}[\"']?(?:[0-9]{1,6}:[0-9]{1,6}\b|\w{1,12}:(?:x|latest"
        rb"|[0-9.]{1,16})(?:\s|$)|https?:|file:|[a-z]:\\|[^:]{1,64}:(?:\$|%))",
    ),
)
