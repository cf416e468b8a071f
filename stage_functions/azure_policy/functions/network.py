"""The template function `ipRangeContains`."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from stage_functions.azure_policy.error import UnfitValueError
from stage_functions.azure_policy.functions.signature import Function, text

_Ends = tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address]


def ip_range_contains(range_: object, target: object) -> bool:
    """Say whether a range of addresses has all of another one in it.

    Each is an address, a range such as `10.0.0.0/8`, or two addresses such as `10.0.0.1-10.0.0.9`.
    """
    first, last = _ends(text(range_, "the range"))
    begin, end = _ends(text(target, "the target"))
    if first.version != begin.version:
        return False
    return int(first) <= int(begin) and int(end) <= int(last)


def _ends(value: str) -> _Ends:
    try:
        if "/" in value:
            network = ip_network(value.strip(), strict=False)
            return network[0], network[-1]
        begin, dash, end = value.partition("-")
        first = ip_address(begin.strip())
        last = ip_address(end.strip()) if dash else first
    except ValueError:
        message = "it takes addresses and ranges of them, such as 10.0.0.0/8"
        raise UnfitValueError(message) from None
    if first.version != last.version or int(first) > int(last):
        message = "a range begins after its end"
        raise UnfitValueError(message)
    return first, last


NETWORK_FUNCTIONS: Final = (Function("ipRangeContains", 2, 2, ip_range_contains),)
