"""What is said when the server cannot listen."""

import socket
from pathlib import Path

import pytest

from ingest.errors import SettingsError
from web.serve import bind
from web.settings import Settings


def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(SettingsError) as error:
        bind(Settings(data=tmp_path, port=other.getsockname()[1]))

    assert (error.value.field, "another program has it" in (error.value.hint or "")) == ("port", True)


def test_other_trouble_is_said_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        bind(Settings(data=tmp_path, host="192.0.2.1", port=0))  # an address for documentation, nobody's own

    assert error.value.message == "cannot listen on 192.0.2.1 port 0: Cannot assign requested address"
    assert error.value.hint is None
