"""How a step towards a service ended, as an id, from the error that ended it: pure."""

from __future__ import annotations

import asyncio
import errno
import ssl

from caseprobe_agent.proxies.passage import ProxyRefused

# What OpenSSL says of a certificate that it does not accept (X509_V_ERR_…, x509_vfy.h).
CERTIFICATE_EARLY, CERTIFICATE_EXPIRED, HOST_MISMATCH, ADDRESS_MISMATCH = 9, 10, 62, 64
CERTIFICATE = {
    CERTIFICATE_EARLY: "certificate_early",
    CERTIFICATE_EXPIRED: "certificate_expired",
    HOST_MISMATCH: "certificate_name",
    ADDRESS_MISMATCH: "certificate_name",
}
ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.EACCES: "unreachable",
}


def outcome_of(error: BaseException) -> str:
    """The id of an error; "failed" for one that is not foreseen.

    >>> outcome_of(ConnectionRefusedError(errno.ECONNREFUSED, "no")), outcome_of(TimeoutError())
    ('refused', 'timeout')
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return CERTIFICATE.get(error.verify_code, "certificate_untrusted")
    if isinstance(error, ProxyRefused):
        return error.outcome
    if isinstance(error, OSError) and error.errno in ERRNO and not isinstance(error, ssl.SSLError):
        return ERRNO[error.errno]
    named = (
        (TimeoutError, "timeout"),
        (ssl.SSLError, "tls_failed"),
        (ConnectionError, "reset"),
        (asyncio.IncompleteReadError, "closed"),
        ((ValueError, asyncio.LimitOverrunError), "not_http"),
    )
    return next((name for kind, name in named if isinstance(error, kind)), "failed")
