"""Where settings come from, and what is refused."""

from pathlib import Path

import pytest

from ingest.errors import SettingsError
from tests.web.commands.conftest import Synclog
from web.settings import Settings, load_settings


def test_nothing_said_gives_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert load_settings({"data": None}, environment={}) == Settings()


def test_a_flag_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "synclog.toml"
    file.write_text('port = 1\nthreads = 1\nmax_body_bytes = 1\ndata = "from-file"\n')
    environment = {"SYNCLOG_PORT": "2", "SYNCLOG_THREADS": "2"}

    settings = load_settings({"port": 3}, environment=environment, file=file)

    assert (settings.port, settings.threads, settings.max_body_bytes, settings.data) == (3, 2, 1, Path("from-file"))


def test_an_unknown_key_names_file_key_and_the_nearest_good_key(tmp_path: Path) -> None:
    file = tmp_path / "synclog.toml"
    file.write_text("prot = 1\n")

    with pytest.raises(SettingsError) as error:
        load_settings({}, environment={}, file=file)

    assert str(file) in error.value.message
    assert (error.value.field, error.value.hint) == ("prot", "did you mean port?")


@pytest.mark.parametrize("said", ["port = 'x'", "port = 70000", "threads = 0", "port = ", "host = '0.0.0.0'"])
def test_a_bad_value_is_refused(tmp_path: Path, said: str) -> None:
    file = tmp_path / "synclog.toml"
    file.write_text(said)

    with pytest.raises(SettingsError):
        load_settings({}, environment={}, file=file)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.org", "::"])
def test_serving_others_is_refused_with_the_reason(synclog: Synclog, host: str) -> None:
    result = synclog("serve", "--host", host)

    assert result.exit_code == 2
    assert "until there are accounts" in result.stderr


def test_a_settings_file_that_is_not_there_is_refused(synclog: Synclog) -> None:
    assert synclog("--settings", "nowhere.toml", "runs").exit_code == 2
