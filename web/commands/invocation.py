"""What a subcommand starts from: the options that stand before it."""

from dataclasses import dataclass
from pathlib import Path

from ingest.errors import SettingsError
from web.settings import Settings, load_settings
from web.workspace import Workspace, open_to_look, open_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The global options; settings are made of them and of a subcommand's own flags."""

    data: Path | None
    settings_file: Path | None

    def settings(self, **flags: object) -> Settings:
        return load_settings({"data": self.data, **flags}, file=self.settings_file)

    def open(self) -> Workspace:
        """The data folder, made when it is not there yet."""
        return open_workspace(self.settings())

    def open_existing(self) -> Workspace:
        """The data folder of a command that works on what is there: a mistyped name must not become an empty folder."""
        return open_workspace(self._existing())

    def open_to_look(self) -> Workspace:
        """The data folder of a command that only looks: it need not be one that may be written."""
        return open_to_look(self._existing())

    def _existing(self) -> Settings:
        settings = self.settings()
        if not settings.data.is_dir():
            raise SettingsError(
                f"there is no data folder {settings.data}",
                field="data",
                hint="name it with --data or SYNCLOG_DATA; synclog upload makes one",
            )
        return settings
