"""Stageward as it is opened with channels in its environment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from stage_functions.bootstrap import Application, open_application
from stage_functions.domain.error import ConfigurationError
from stage_functions.settings import NAMES, read_settings, unknown
from stage_functions.wire.address import endpoint_fault
from tests.azurite import free_port
from tests.contracts.notifier import MESSAGE
from tests.mail_server import MailServer
from tests.wire.configuration_file import edited

WITH_MAIL = edited(
    "officer-1:   {name: First officer,", "officer-1:   {mail: a@b.org, name: First,"
)


def opened(folder: Path, more: Mapping[str, str]) -> Application:
    """Open Stageward over the default file, where one officer has mail, and no MLflow."""
    path = folder / "stageward.yaml"
    path.write_text(WITH_MAIL, "utf-8")
    environment = {
        "STAGEWARD_CONFIG": str(path),
        "STAGEWARD_LEDGER": ":memory:",
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{free_port()}",
        **more,
    }
    return open_application(read_settings(environment))


def test_without_channels_there_is_no_notifier(tmp_path: Path) -> None:
    """Mail addresses alone reach nobody; an empty variable is none."""
    with closing(
        opened(tmp_path, {"STAGEWARD_MAIL": "", "STAGEWARD_NOTIFY_MODEL_RISK": " "})
    ) as it:
        assert it.context.notifier is None


def test_people_and_groups_are_told_by_what_the_environment_gives_them(tmp_path: Path) -> None:
    """Mail goes by the mail server, to whoever has an address in the file."""
    with MailServer() as server:
        more = {
            "STAGEWARD_MAIL": server.url(),
            "STAGEWARD_NOTIFY_MODEL_RISK": "json://127.0.0.1:1/a  json://127.0.0.1:1/b",
        }
        with closing(opened(tmp_path, more)) as it:
            notifier = it.context.notifier
            assert notifier is not None
            assert ("mail:officer-1",) == notifier.channels("person:officer-1")
            assert ("model-risk-1", "model-risk-2") == notifier.channels("group:model-risk")
            notifier.send("mail:officer-1", MESSAGE)

        assert [("a@b.org",)] == [mail.recipients for mail in server.mails]


def test_who_may_vote_and_is_told_nothing_is_said_on_opening(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In one line; whom a channel of their group reaches is not among them."""
    caplog.set_level("INFO", "stageward")
    some = {"STAGEWARD_MAIL": "mailto://127.0.0.1:1?from=a@b.org"}
    every = {**some, "STAGEWARD_NOTIFY_MODEL_RISK": "json://127.0.0.1:1/a"}
    said = []
    for more in ({}, some, every):
        caplog.clear()
        with closing(opened(tmp_path, more)):
            said.append([one for one in caplog.messages if "no mail and no message" in one])

    assert said[0] == []
    assert len(said[1]) == 1
    assert "Second officer (officer-2)" in said[1][0]
    assert "officer-1" not in said[1][0]
    assert "officer-2" not in "".join(said[2])


def test_a_variable_that_is_none_of_ours_is_pointed_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By its name alone, with those that may have been meant."""
    with closing(opened(tmp_path, {"STAGEWARD_WEBHOOK": "sesame", "STAGEWARD_URL": "http://h"})):
        said = [one for one in caplog.messages if "no such variable" in one]

    assert said == [
        "STAGEWARD_WEBHOOK is set, but Stageward reads no such variable; "
        "did you mean STAGEWARD_WEBHOOKS or STAGEWARD_WEBHOOK_SECRET?"
    ]


def test_a_variable_that_the_file_names_is_pointed_out_to_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An address of a registry may stand in one."""
    path = tmp_path / "stageward.yaml"
    path.write_text(WITH_MAIL.replace("${MLFLOW_TRACKING_URI}", "${STAGEWARD_MLFLOW}"), "utf-8")
    environment = {
        "STAGEWARD_CONFIG": str(path),
        "STAGEWARD_LEDGER": ":memory:",
        "STAGEWARD_MLFLOW": f"http://127.0.0.1:{free_port()}",
    }
    with closing(open_application(read_settings(environment))):
        assert "no such variable" not in caplog.text


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_is_known_as_ours(name: str) -> None:
    """So no setting is taken for a mistake."""
    default = replace(read_settings({}), environment=None)
    changed = replace(read_settings({f"STAGEWARD_{name}": "x"}), environment=None)

    assert changed != default
    assert unknown({f"STAGEWARD_{name}": "x", "STAGEWARD_NOTIFY_A": "x", "OTHER": "x"}) == {}


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("x", "it is no URL with a host"),
        ("https://", "it is no URL with a host"),
        ("https://a.example.org:port", "it is no URL with a host"),
        ("ftp://a.example.org", "it is no URL with a host"),
        ("https://a b.example.org", "it is no URL with a host"),
        ("http://a.example.org", "use https://"),
    ],
)
def test_an_endpoint_of_tables_that_is_none_is_refused_before_anybody_signs_in(
    tmp_path: Path, endpoint: str, said: str
) -> None:
    """The setting is named; http is for this machine alone."""
    with pytest.raises(ConfigurationError, match=f"^STAGEWARD_TABLES_ENDPOINT: .*{said}"):
        opened(tmp_path, {"STAGEWARD_TABLES_ENDPOINT": endpoint})


@pytest.mark.parametrize(
    "endpoint",
    ["https://a.table.core.windows.net", "http://127.0.0.1:10002/a", "http://localhost:10002/a"],
)
def test_an_endpoint_of_tables_may_be_on_this_machine_without_tls(endpoint: str) -> None:
    """As the emulator's is."""
    assert endpoint_fault(endpoint) == ""


def test_a_wrong_address_is_found_on_opening(tmp_path: Path) -> None:
    """It is named by its variable, and not shown."""
    with pytest.raises(
        ConfigurationError, match="address 1 of STAGEWARD_NOTIFY_MODEL_RISK cannot be used"
    ) as caught:
        opened(tmp_path, {"STAGEWARD_NOTIFY_MODEL_RISK": "nothing://sesame"})

    assert "sesame" not in str(caught.value)


def test_a_variable_for_nobody_is_found_on_opening(tmp_path: Path) -> None:
    """The message says which there may be."""
    with pytest.raises(ConfigurationError, match="STAGEWARD_NOTIFY_RISK is for nobody") as caught:
        opened(tmp_path, {"STAGEWARD_NOTIFY_RISK": "json://127.0.0.1:1/a"})

    assert "MODEL_RISK" in str(caught.value)
