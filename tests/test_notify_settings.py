"""Stageward as it is opened with channels in its environment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from stage_functions.bootstrap import Application, open_application
from stage_functions.domain.error import ConfigurationError
from stage_functions.settings import read_settings
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
