"""The certificate of the local server, by an authority that lasts as long as it does."""

from __future__ import annotations

from pathlib import Path

import trustme


def issue(folder: Path) -> tuple[Path, Path]:
    """Write an authority's certificate, and one for loopback with its key.

    Returns:
        the file to trust, and the file to serve with.
    """
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    served = authority.issue_cert("127.0.0.1", "localhost", key_type=trustme.KeyType.ECDSA)
    trusted, chain = folder / "ca.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(str(trusted))
    served.private_key_and_cert_chain_pem.write_to_path(str(chain))
    return trusted, chain
