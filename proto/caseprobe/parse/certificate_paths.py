"""Which certificate files a server configuration names: nginx, Apache, HAProxy, Postfix, Dovecot, Exim and the like."""

from __future__ import annotations

import re

# ssl_certificate /etc/ssl/a.pem;            nginx
# SSLCertificateFile "/etc/ssl/a.pem"        Apache
# bind :443 ssl crt /etc/haproxy/a.pem       HAProxy
# smtpd_tls_cert_file = /etc/ssl/a.pem       Postfix
# ssl_cert = </etc/dovecot/a.pem             Dovecot
# cert: /etc/a.pem  / tls_cert_file          others
NAMED = re.compile(
    r"""(?im)^(?!\s*[#;])[^\n]*?\b(?:ssl_certificate|sslcertificatefile|crt|smtpd?_tls_cert_file|ssl_cert(?:_file)?|"""
    r"""tls_cert(?:ificate)?(?:_file)?|certificate-file|cert_?file|cert)\b\s*[=:]?\s*["'<]*\s*(/[^\s"';<>]+)"""
)


def parse_certificate_paths(text: str) -> list[str]:
    """Absolute paths in their order, each once; what stands in a comment does not count.

    >>> parse_certificate_paths("server {\\n  ssl_certificate /etc/a.pem;\\n  # ssl_certificate /etc/b.pem;\\n}")
    ['/etc/a.pem']
    >>> parse_certificate_paths("bind :443 ssl crt /etc/haproxy/site.pem alpn h2")
    ['/etc/haproxy/site.pem']
    """
    return list(dict.fromkeys(NAMED.findall(text)))
