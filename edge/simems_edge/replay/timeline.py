"""Makes a scenario happen: events at their moment, courses at each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from simems_core import CoreError

from simems_edge.replay.course import Course, ramp
from simems_edge.replay.problems import ReplayError
from simems_edge.replay.scenario import Scenario
from simems_edge.replay.scenario_events import OF_RUNTIME, OVERRIDE_S, ScenarioEvent
from simems_edge.runtime import FaultRefusedError, RequestRefusedError, Runtime
from simems_edge.sim import Plant
from simems_edge.sim.charger import Vehicle

ACTOR: Final = "scenario"
STAY_S: Final = 8 * 3600.0
_EPSILON_S: Final = 1e-9


class Timeline:
    """Events of the plant come before it moves to their moment, those of the runtime when it is there."""

    def __init__(self, scenario: Scenario, plant: Plant, runtime: Runtime) -> None:
        self._plant = plant
        self._runtime = runtime
        self._scenario = scenario
        ordered = sorted(scenario.events, key=lambda event: event.at_s)
        self._for_plant = [event for event in ordered if event.verb not in OF_RUNTIME]
        self._for_runtime = [event for event in ordered if event.verb in OF_RUNTIME]
        self._doers: Mapping[str, Callable[[ScenarioEvent], None]] = {
            "set": self._set, "ramp": self._ramp, "follow": self._follow, "release": self._release,
            "silence": self._silence, "answer": self._silence, "fault": self._fault, "freeze": self._freeze,
            "repair": self._repair, "grid_loss": self._grid, "grid_return": self._grid, "ev": self._ev,
            "ev_leaves": self._ev_leaves, "input": self._input, "override": self._override,
            "clear_override": self._clear_override, "clear_fault": self._clear_fault, "set_mode": self._set_mode,
            "estop": self._estop,
        }  # fmt: skip
        self._courses: dict[str, tuple[float, Course]] = {}
        self._inputs: dict[int, float] = {}

    def plant_until(self, time_s: float) -> None:
        """The world as it is at this moment."""
        for event in _due(self._for_plant, time_s):
            self._doers[event.verb](event)
        for address, (begin_s, course) in self._courses.items():
            self._plant.drive(address, course.at(time_s - begin_s))

    def runtime_until(self, time_s: float, time_ns: int) -> None:
        """What persons and wires do; the inputs that stand are given again, so that they do not age."""
        for event in _due(self._for_runtime, time_s):
            self._act(event)
        for handle, value in self._inputs.items():
            self._runtime.image.publish(handle, value, time_ns)

    def _act(self, event: ScenarioEvent) -> None:
        try:
            self._doers[event.verb](event)
        except (FaultRefusedError, RequestRefusedError):
            return  # part of the story, as for a person at the screen; the runtime tells it
        except (KeyError, ValueError) as error:
            raise self._refused(event, str(error.args[0] if error.args else error)) from error

    def _refused(self, event: ScenarioEvent, message: str) -> ReplayError:
        position = self._scenario.events.index(event)
        path = ("events", position, event.verb)
        problem = self._scenario.source.document.problem(path, message, "correct it", value=repr(event.target))
        return ReplayError([problem])

    # ---- the plant

    def _set(self, event: ScenarioEvent) -> None:
        self._courses.pop(event.target, None)
        self._plant.drive(event.target, event.number)

    def _ramp(self, event: ScenarioEvent) -> None:
        begin = self._plant.driven_value(event.target)
        self._courses[event.target] = (event.at_s, ramp(begin, event.number, event.duration_s or 1.0))

    def _follow(self, event: ScenarioEvent) -> None:
        self._courses[event.target] = (event.at_s, self._scenario.source.courses[event.file or ""])

    def _release(self, event: ScenarioEvent) -> None:
        self._courses.pop(event.target, None)
        self._plant.drive(event.target, None)

    def _grid(self, event: ScenarioEvent) -> None:
        self._courses.pop("grid/present", None)
        self._plant.drive("grid/present", None if event.verb == "grid_return" else 0.0)

    def _silence(self, event: ScenarioEvent) -> None:
        self._plant.silence(event.target, event.verb == "silence")

    def _fault(self, event: ScenarioEvent) -> None:
        self._plant.fault(event.target, True)

    def _freeze(self, event: ScenarioEvent) -> None:
        self._plant.freeze(event.target, True)

    def _repair(self, event: ScenarioEvent) -> None:
        self._plant.fault(event.target, False)
        self._plant.freeze(event.target, False)

    def _ev(self, event: ScenarioEvent) -> None:
        departs_utc_s = self._plant.start_s + event.at_s + (event.duration_s or STAY_S)
        vehicle = Vehicle(event.energy_wh, departs_utc_s, event.phases, event.max_current_a)
        self._plant.arrive(event.target, vehicle)

    def _ev_leaves(self, event: ScenarioEvent) -> None:
        self._plant.arrive(event.target, None)

    # ---- the runtime

    def _input(self, event: ScenarioEvent) -> None:
        try:
            handle = self._runtime.image.handle(event.target)
        except CoreError as error:
            raise ValueError(f"{event.target} is no channel of this site") from error
        self._inputs[handle] = event.number

    def _override(self, event: ScenarioEvent) -> None:
        self._runtime.overrides.set(
            event.target, event.number, duration_s=event.duration_s or OVERRIDE_S, reason=ACTOR, actor=ACTOR
        )

    def _clear_override(self, event: ScenarioEvent) -> None:
        self._runtime.overrides.clear(event.target, ACTOR)

    def _clear_fault(self, event: ScenarioEvent) -> None:
        self._runtime.faults.clear(event.target, ACTOR)

    def _set_mode(self, event: ScenarioEvent) -> None:
        self._runtime.requests.set_mode(event.target.upper(), actor=ACTOR, duration_s=event.duration_s or 0.0)

    def _estop(self, event: ScenarioEvent) -> None:
        self._runtime.requests.set_estop(pressed=bool(event.estop), actor=ACTOR, duration_s=event.duration_s or 0.0)


def _due(events: list[ScenarioEvent], time_s: float) -> list[ScenarioEvent]:
    """Taken out of the list."""
    number = sum(event.at_s <= time_s + _EPSILON_S for event in events)
    due, events[:] = events[:number], events[number:]
    return due
