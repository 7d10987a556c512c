"""Small projects in git, for tests of `planner check`: a price list and scenarios of their own."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import called

TODAY = "2026-11-28"
RULES = """\
budgets:
  - id: training
    metric: cost_total_usd
    deny: 1 M USD
    owner: "@ml-platform"
    message: ask first
policies:
  - id: no-jumps
    metric: cost_total_usd
    max_increase: 10 %
    and_over: 1000 USD
"""
HEADER = "instance,accelerator,accelerators,region,term,usd_per_hour,per,date,source,standing,flag,note"


@dataclass(frozen=True)
class Outcome:
    """Exit code, standard output and error of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def ids(self) -> list[str]:
        """Ids of the findings."""
        return [finding["id"] for finding in self.json["findings"]]


@dataclass(frozen=True)
class Project:
    """A folder with a project in it."""

    root: Path

    @staticmethod
    def new(root: Path, rules: str = "", *names: str) -> Project:
        """Make a project under git with a price list and one scenario of each name."""
        project = Project(root)
        project.write("planner.yaml", head() + rules)
        project.price(98.0)
        for name in names or ("alpha",):
            project.scenario(name)
        project.git("init", "--quiet", "--initial-branch", "main")
        project.commit()
        return project

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def rules(self, text: str) -> None:
        """Give the project these rules in place of all others."""
        self.write("planner.yaml", head() + text)

    def price(self, usd_per_hour: float) -> None:
        row = f"p5.48xlarge,h100-sxm,8,us-east-1,on-demand,{usd_per_hour},node,2026-01-01,own,read,,"
        self.write("catalogs/prices/aws.csv", f"{HEADER}\n{row}\n")

    def scenario(self, name: str, **said: str) -> Path:
        return self.write(f"scenarios/{name}.yaml", scenario(name, **said))

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True, env=environment()
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")

    def check(self, *arguments: str, form: str = "json", today: str = TODAY) -> Outcome:
        """Run the command in this process, with its result in one format."""
        return command("check", "--today", today, "--output", f"{form}=-", *arguments, cwd=self.root)


def command(*arguments: str, cwd: Path) -> Outcome:
    """Run a command in this process."""
    done = called(*arguments, cwd=cwd)
    return Outcome(done.returncode, done.stdout, done.stderr)


def environment() -> dict[str, str]:
    """Give what git may see: nothing of the machine's own settings, and no measurement of coverage."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "COVERAGE_"))}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def head() -> str:
    return "schema: planner/project/v1\nname: sample\nprices: {on: 2026-06-01}\nscenarios: [scenarios/*.yaml]\n"


def scenario(
    name: str, *, tokens: str = "100 B", accelerators: str = "64", more: str = "", title: str = "", hardware: str = ""
) -> str:
    """Give the text of a training run that fits and is quickly estimated."""
    said = f"title: {json.dumps(title)}\n" if title else ""
    return f"""\
schema: planner/scenario/v1
name: {name}
{said}{more}workload:
  kind: training
  model: llama-3.1-8b
  tokens: {tokens}
  sequence_length: 8192
  global_batch: 512 sequences
hardware:
  node: p5.48xlarge
  accelerators: {accelerators}
{hardware}parallelism: {{tensor: 8, pipeline: 1, micro_batch: 1, sharding: zero-1}}
recompute: full
"""


def digested(document: dict[str, Any]) -> str:
    """Give a stored result whose digest fits, as somebody who knows the digest would write it."""
    from planner.policy.stored import with_digest

    document = {key: value for key, value in document.items() if key != "digest"}
    return json.dumps(with_digest(document))
