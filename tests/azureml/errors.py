"""What is refused, in the words of the resource manager and of Azure ML."""

from __future__ import annotations

from collections.abc import Mapping

_NOT_FOUND = 404


class ArmError(Exception):
    """An answer that is an error.

    Attributes:
        status: the HTTP status.
        code: what programs read.
        message: what people read.
        headers: besides the usual ones.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    @property
    def content(self) -> dict[str, object]:
        """The body of the answer."""
        return {"error": {"code": self.code, "message": self.message}}


def no_such_place(plural: str, name: str, group: str) -> ArmError:
    """Return that a workspace or registry is not there, as the resource manager says it."""
    message = (
        f"The Resource 'Microsoft.MachineLearningServices/{plural}/{name}' under resource group "
        f"'{group}' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix"
    )
    return ArmError(_NOT_FOUND, "ResourceNotFound", message)


def no_such_asset(asset_id: str) -> ArmError:
    """Return that an asset or a version is not there, as Azure ML says it."""
    return ArmError(_NOT_FOUND, "UserError", f"Could not find asset with ID: {asset_id}")


def no_such_thing(what: str, name: str) -> ArmError:
    """Return that a job, an endpoint or a deployment is not there."""
    return ArmError(_NOT_FOUND, "UserError", f"{what} {name} not found.")


def no_such_route(method: str, path: str) -> ArmError:
    """Return that nothing answers to this."""
    return ArmError(_NOT_FOUND, "InvalidResourceType", f"Nothing answers to {method} {path}.")


def refused(message: str, code: str = "UserError") -> ArmError:
    """Return that the request is wrong."""
    return ArmError(400, code, message)
