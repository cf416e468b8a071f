"""What the environment may say of channels."""

from __future__ import annotations

import pytest

from stage_functions.adapters.notify import open_notifications
from stage_functions.application.ports.notifier import Notifier
from stage_functions.domain.error import ConfigurationError, SinkRefusedError
from stage_functions.domain.people import Directory, Person
from tests.adapters.test_notify import DIRECTORY
from tests.contracts.notifier import MESSAGE
from tests.fakes.clock import FakeClock


def opened(mail: str = "", **addresses: str) -> Notifier | None:
    """Return the channels of variables, by what stands behind their prefix."""
    urls = {name: tuple(value.split()) for name, value in addresses.items()}
    return open_notifications(DIRECTORY, urls, mail, FakeClock())


def flaw(mail: str = "", **addresses: str) -> str:
    """Return what is wrong with variables."""
    with pytest.raises(ConfigurationError) as caught:
        opened(mail, **addresses)
    return str(caught.value)


class TestAddresses:
    """What the environment may say."""

    def test_nothing_is_no_notifier(self) -> None:
        """So nothing is owed."""
        assert opened() is None

    def test_a_key_stands_in_capitals(self) -> None:
        """Dashes and dots are underscores."""
        found = opened(MODEL_RISK="json://127.0.0.1:1/a json://127.0.0.1:1/b", BOB="json://h/c")

        assert found is not None
        assert ("model-risk-1", "model-risk-2") == found.channels("group:model-risk")
        assert ("bob-1",) == found.channels("person:bob")

    def test_one_address_of_two_groups_is_one_channel(self) -> None:
        """What is asked of both is said there once."""
        found = opened(MODEL_RISK="json://h/a", RISK="json://h/a")

        assert found is not None
        assert ("model-risk-1",) == found.channels("group:risk")
        assert ("model-risk-1",) == found.channels("group:model-risk")

    def test_mail_comes_before_other_channels_of_a_person(self) -> None:
        """Whoever has no address gets none."""
        found = opened("mailto://127.0.0.1:1?from=s@example.org", ADA="json://h/a")

        assert found is not None
        assert ("mail:ada", "ada-1") == found.channels("person:ada")
        assert () == found.channels("person:bob")

    def test_a_variable_for_nobody_is_refused(self) -> None:
        """The message says which there may be."""
        assert (
            "STAGEWARD_NOTIFY_RISKS is for nobody in the file: behind STAGEWARD_NOTIFY_ stands the "
            "key of a group or person, one of RISK, MODEL_RISK, ADA, BOB"
        ) == flaw(RISKS="json://h/a")

    def test_a_variable_for_two_is_refused(self) -> None:
        """Both are named."""
        directory = Directory(people={"a-b": Person("a-b", "A")}, groups={"a_b": ("a-b",)})
        with pytest.raises(ConfigurationError) as caught:
            open_notifications(directory, {"A_B": ("json://h",)}, "", FakeClock())

        assert (
            "STAGEWARD_NOTIFY_A_B may be for person:a-b or group:a_b: "
            "give one of them another key in the file"
        ) == str(caught.value)

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("sesame", "address 1 of STAGEWARD_NOTIFY_RISK is no URL"),
            ("https:///sesame", "address 1 of STAGEWARD_NOTIFY_RISK is no URL"),
            ("https://[sesame", "address 1 of STAGEWARD_NOTIFY_RISK is no URL"),
            ("json://h/a mailto:sesame", "address 2 of STAGEWARD_NOTIFY_RISK is no URL"),
            ("http://example.org/sesame", "address 1 of STAGEWARD_NOTIFY_RISK begins with http://"),
            ("nothing://sesame", "address 1 of STAGEWARD_NOTIFY_RISK cannot be used: Apprise"),
            ("slack://sesame", "address 1 of STAGEWARD_NOTIFY_RISK cannot be used: Apprise"),
        ],
    )
    def test_an_address_that_is_none_is_named_and_not_shown(self, url: str, words: str) -> None:
        """By variable and position."""
        said = flaw(RISK=url)

        assert said.startswith(words)
        assert "sesame" not in said

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("smtp://sesame", "STAGEWARD_MAIL begins with none of mailto:// and mailtos://"),
            ("mailto://h?from=a@b.org&to=sesame@b.org", "STAGEWARD_MAIL cannot be used: it names"),
            ("mailto://h?from=a@b.org&cc=sesame@b.org", "STAGEWARD_MAIL cannot be used: it names"),
            ("mailto://h/sesame@b.org?from=a@b.org", "STAGEWARD_MAIL cannot be used: it names"),
            ("mailto://h?from=sesame", "STAGEWARD_MAIL cannot be used: Apprise"),
            ("mailto://127.0.0.1:1", "STAGEWARD_MAIL cannot be used: it does not say from whom"),
            ("mailto://127.0.0.1:1?name=x", "STAGEWARD_MAIL cannot be used: it does not say from"),
        ],
    )
    def test_a_mail_server_that_is_none_is_named_and_not_shown(self, url: str, words: str) -> None:
        """Nor may it name recipients: personal mail goes to one person."""
        said = flaw(url)

        assert said.startswith(words)
        assert "sesame@" not in said

    def test_a_mail_server_for_nobody_is_pointed_out(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It may be meant for later."""
        directory = Directory(people={"bob": Person("bob", "Bob")})

        assert open_notifications(directory, {}, "mailto://h?from=a@b.org", FakeClock()) is None
        assert "STAGEWARD_MAIL is set, but nobody in `people` has `mail`" in caplog.text

    def test_nothing_of_apprise_is_loaded_where_it_is_not_asked(self) -> None:
        """A wrong address is then found when something is sent to it."""
        found = open_notifications(
            DIRECTORY, {"RISK": ("nothing://sesame",)}, "", FakeClock(), thorough=False
        )

        assert found is not None
        with pytest.raises(SinkRefusedError, match="its address cannot be used"):
            found.send("risk-1", MESSAGE)
