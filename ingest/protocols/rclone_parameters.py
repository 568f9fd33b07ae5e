"""What an rclone process was asked to do, from the parameters it was started with."""

import json
import re

from ingest.text_faults import cleaned

_PARAMETER = re.compile(r'"(?:[^"\\]|\\.)*+"')
_CONNECTION_OPTION = re.compile(r""",[\w.-]+(=("[^"]*"|'[^']*'|[^,:]*))?(?=[,:])""")
_FLAG_WITHOUT_VALUE = re.compile(r"-[vnPi]+|--[\w-]+=.*|--(?:dry-run|progress|use-json-log|verbose)")


def command_and_remotes(text: str) -> tuple[str | None, tuple[str, ...]]:
    """The command, and source and target where there are two.

    Remotes are looked for directly behind the command, since the value of a flag looks like one. Options within a
    remote are left out: they may hold its password.
    """
    words = _parameters(text)[1:]
    while words and words[0].startswith("-"):
        words = words[1:]
    command = words[0] if words else None
    remotes: list[str] = []
    for word in words[1:]:
        if not word.startswith("-"):
            remotes.append(_CONNECTION_OPTION.sub("", word))
        elif remotes or not _FLAG_WITHOUT_VALUE.fullmatch(word):
            break
    return command, tuple(remotes[:2]) if len(remotes) >= 2 else ()


def _parameters(text: str) -> list[str]:
    """The words of a Go list of quoted strings."""
    words: list[str] = []
    for quoted in _PARAMETER.findall(text):
        try:
            words.append(cleaned(json.loads(quoted)))
        except ValueError:
            words.append(quoted[1:-1])
    return words
