"""Proxies that lead out of this network: which one is named, and how it is asked for a line."""

from caseprobe_agent.proxies.naming import HTTP, SOCKS5, Proxy, proxy_for, read_proxy

__all__ = ["HTTP", "SOCKS5", "Proxy", "proxy_for", "read_proxy"]
