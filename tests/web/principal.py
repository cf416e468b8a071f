"""What App Service authentication writes of somebody whom Entra has signed in."""

from __future__ import annotations

import base64
import json

OID, OTHER = "5f0c1a52-0000-4000-8000-00000000ada0", "5f0c1a52-0000-4000-8000-00000000b0b0"
APP = "5f0c1a52-0000-4000-8000-0000000000a1"
SOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


def header(*claims: tuple[str, object], **more: object) -> str:
    """Return what the platform writes for some claims."""
    listed = [{"typ": typ, "val": val} for typ, val in claims]
    whole = {"auth_typ": "aad", "claims": listed, "name_typ": f"{SOAP}/name", "role_typ": ROLE}
    return base64.b64encode(json.dumps({**whole, **more}).encode()).decode()
