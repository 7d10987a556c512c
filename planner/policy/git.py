"""Documents of another commit, read from git's own store: nothing is checked out, and nothing of a stranger's runs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from planner.errors import InputError, brief, input_error
from planner.record import record

_SECONDS = 60
_LONGEST_REF = 250
# No option, no search through history (`:/text`), no path (`ref:path`), no range, no reflog.
_REF = re.compile(r"(?!-)[\w./@~^+#%=,-]+\Z")
_QUIET = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat"),
    *("-c", "protocol.allow=never", "-c", "core.alternateRefsCommand=", "--no-pager", "--no-replace-objects"),
)
_OURS = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
_COMMIT, _TREE_LINE = "commit", re.compile(rb"(\d+) (\w+) ([0-9a-f]+) +(-|\d+)\t(.*)", re.DOTALL)
LINK = "120000"


@record
class Blob:
    """A file of a commit.

    Parameters
    ----------
    path : relative to the folder that was asked for.
    mode : as git writes it; a link has `LINK`. kind : blob, or commit for a submodule. key : its hash.
    size : [B]; 0 for a submodule.
    """

    path: str
    mode: str
    kind: str
    key: str
    size: int

    @property
    def is_submodule(self) -> bool:
        """Whether it is another repository, of which this one knows the commit alone."""
        return self.kind == _COMMIT


@record
class Repository:
    """The repository that a folder lies in.

    Parameters
    ----------
    folder : the folder. environment : of the process; what git itself would take from it is left out.
    """

    folder: Path
    environment: Mapping[str, str]

    def commit(self, ref: str) -> str:
        """Give the full name of a commit.

        Raises
        ------
        InputError : no name of a commit, none that is here, no git, or no repository.
        """
        if not _REF.match(ref) or ".." in ref or len(ref) > _LONGEST_REF:
            raise input_error(
                "baseline-ref",
                f"'{brief(ref)}' is not the name of a branch, tag or commit",
                allowed="origin/main, v1.2, a commit",
            )
        self._run("rev-parse", "--git-dir", why="there is no git repository here", ref=ref)
        found = self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", why="no such commit", ref=ref
        )
        return found.decode("ascii", "replace").strip()

    def files(self, commit: str) -> list[Blob]:
        """Give every file of a commit that lies in the folder."""
        prefix = self._run("rev-parse", "--show-prefix", why="git does not say where this folder lies", ref=commit)
        inner = prefix.decode("utf-8", "surrogateescape").rstrip("\n").rstrip("/")
        listed = self._run("ls-tree", "-r", "-z", "-l", f"{commit}:{inner}", why="it lacks this folder", ref=commit)
        return [found for line in listed.split(b"\0") if (found := _blob(line)) is not None]

    def texts(self, blobs: Sequence[Blob]) -> list[bytes]:
        """Give the contents of files, in their order.

        Raises
        ------
        InputError : the store lacks one, as in a partial clone.
        """
        if not blobs:
            return []
        asked = "".join(f"{blob.key}\n" for blob in blobs).encode("ascii")
        answer = self._run("cat-file", "--batch", why="its files cannot be read", ref="", given=asked)
        texts, at = [], 0
        for blob in blobs:
            end = answer.find(b"\n", at)
            head = answer[at:end].split()
            if len(head) != 3 or head[1] != b"blob":
                raise _lacking(f"the file {brief(blob.path)} of the baseline is not in this clone")
            size = int(head[2])
            texts.append(answer[end + 1 : end + 1 + size])
            at = end + size + 2
        return texts

    def _run(self, *arguments: str, why: str, ref: str, given: bytes = b"") -> bytes:
        environment = {k: v for k, v in self.environment.items() if not k.upper().startswith("GIT_")} | _OURS
        try:
            done = subprocess.run(  # noqa: S603 - a list of words, the only foreign one of them checked
                ["git", *_QUIET, *arguments],  # noqa: S607 - the git that the user runs
                cwd=self.folder,
                env=environment,
                input=given,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise input_error("baseline-git", "a baseline from a commit needs git", hint="or name a file") from None
        except subprocess.TimeoutExpired:
            raise input_error("baseline-git", f"git did not answer within {_SECONDS} s") from None
        if done.returncode != 0:
            said = brief(" ".join(done.stderr.decode("utf-8", "replace").split()), most=200)
            raise _lacking(f"baseline '{brief(ref)}': {why}" + (f" ({said})" if said else ""))
        return done.stdout


def _lacking(message: str) -> InputError:
    return input_error(
        "baseline-missing",
        message,
        hint="a shallow clone lacks other commits: git fetch --unshallow, or fetch-depth: 0 in CI",
    )


def _blob(line: bytes) -> Blob | None:
    found = _TREE_LINE.fullmatch(line)
    if found is None:
        return None
    mode, kind, key, size, path = found.groups()
    return Blob(
        path.decode("utf-8", "surrogateescape"),
        mode.decode("ascii"),
        kind.decode("ascii"),
        key.decode("ascii"),
        int(size) if size != b"-" else 0,
    )
