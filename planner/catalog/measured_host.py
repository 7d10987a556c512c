"""A machine that was measured: its efficiencies as they were found; the shared profiles say all else about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.catalog.profile import EngineMoves, FitReport, FrameworkMoves, Moves, Parameter, Profile
from planner.documents.types import Id, Record, Text

Efficiency = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Own(Record):
    """A parameter that no shared profile names: what it means, and what it is on every other chip."""

    meaning: Text
    elsewhere: Efficiency = 0.0


class Software(Record):
    """What a machine was measured with, in the words of both profiles: it moves no parameter itself."""

    name: Id
    framework: FrameworkMoves
    engine: EngineMoves


class MeasuredHost(Entry):
    """Efficiencies of the accelerator of the same id, measured on one machine in one number format.

    Parameters
    ----------
    training, serving : parameters of the profile of that name, as measured; what is not named is the profile's own.
    own : those of them that only measured machines have.
    software : what it was measured with. fit : rows, and errors on those that no fit saw.
    domain : sizes of the products, least and most.
    """

    schema_: Annotated[Literal["planner/measured-host/v1"], Field(alias="schema")]
    training: dict[Id, Efficiency]
    serving: dict[Id, Efficiency]
    own: dict[Id, Own] = {}
    software: Software
    fit: FitReport
    domain: dict[Text, tuple[Efficiency, Efficiency]] = {}

    def values_of(self, profile: Profile) -> dict[str, float]:
        """Give what was measured of a profile's parameters; nothing of a profile of kernels."""
        return {"training": self.training, "serving": self.serving}.get(profile.kind, {})


def with_hosts(profile: Profile, hosts: Sequence[MeasuredHost]) -> Profile:
    """Give a shared profile that knows measured machines, each by its own values, and says what it said of all others.

    Parameters
    ----------
    profile : as its file has it today. hosts : whose values stand whatever the shared ones are.
    """
    parameters, frameworks, engines = dict(profile.parameters), dict(profile.frameworks), dict(profile.engines)
    chips = dict(profile.chips)
    for host in hosts:
        values = host.values_of(profile)
        if not values:
            continue
        for name in values.keys() & host.own.keys() - parameters.keys():
            value, meaning = host.own[name].elsewhere, host.own[name].meaning
            parameters[name] = Parameter(
                value=value, meaning=meaning, scale="linear", low=value, high=value, prior=value, width=0.0
            )
        chips[host.id] = Moves(values=values)
        if profile.kind == "training":
            frameworks.setdefault(host.software.name, host.software.framework)
        else:
            engines.setdefault(host.software.name, host.software.engine)
    update = {"parameters": parameters, "frameworks": frameworks, "engines": engines, "chips": chips}
    return profile.model_copy(update=update)
