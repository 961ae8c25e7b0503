"""A runner over sessions that are told what to want, and that fail."""

import asyncio
import json
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest

from chargers.simulator.effects import (
    Close,
    Connect,
    ConnectionState,
    Effect,
    Intent,
    Ledger,
    Remember,
    Send,
    Settled,
    State,
    TransactionStarted,
)
from chargers.simulator.host import runner as running
from chargers.simulator.host.gate import Gate
from chargers.simulator.host.keeper import Bundle, Keeper
from chargers.simulator.host.ledger import Holder
from chargers.simulator.host.port import Listener
from chargers.simulator.host.recorder import Recorder
from chargers.simulator.host.runner import Runner
from chargers.simulator.host.shell import Clock, Shell
from chargers.simulator.host.specs import Lease
from chargers.simulator.host.timers import Timers
from chargers.simulator.model.specs import ChargerSpec, ConnectorSpec, EvseSpec, ModelSpec

SPEC = ChargerSpec("A 1", "s", ModelSpec("v", "m", "1", (EvseSpec((ConnectorSpec("Type2", 1, 3),)),), 1), "OCPP1.6")
CONNECTING, ONLINE, OFFLINE = ConnectionState.CONNECTING, ConnectionState.ONLINE, ConnectionState.OFFLINE


@dataclass
class Script:
    """A session that does what it is told, call by call; an exception is raised."""

    plan: dict[str, list[Effect] | Exception]
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    wake_at: float | None = None

    def _do(self, name: str, *arguments: Any) -> list[Effect]:
        self.calls.append((name, *arguments))
        answer = self.plan.get(name, [])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def start(self, now: float) -> list[Effect]:
        return self._do("start")

    def connected(self, now: float, subprotocol: str | None) -> list[Effect]:
        return self._do("connected", subprotocol)

    def text(self, now: float, text: str) -> list[Effect]:
        return self._do("text", text)

    def refused_frame(self, now: float, reason: str) -> list[Effect]:
        return self._do("refused_frame", reason)

    def intent(self, now: float, intent: Any) -> list[Effect]:
        return self._do("intent", intent)

    def wake(self, now: float) -> list[Effect]:
        return self._do("wake")

    def disconnected(self, now: float, why: str) -> list[Effect]:
        return self._do("disconnected", why)

    def stop(self, now: float) -> list[Effect]:
        return self._do("stop")

    def hand_over(self, now: float) -> list[Effect]:
        return self._do("hand_over")

    def memory(self) -> dict[str, Any]:
        return {"calls": len(self.calls)}

    def next_wake(self) -> float | None:
        return self.wake_at


@dataclass
class Line:
    """A link that keeps what was done to it."""

    address: str
    subprotocol: str
    listener: Listener
    done: list[tuple[Any, ...]] = field(default_factory=list)
    #: frames that went out together
    together: list[tuple[str, ...]] = field(default_factory=list)

    def send(self, *texts: str) -> None:
        self.done += [("send", text) for text in texts]
        self.together.append(texts)

    def close(self, code: int, reason: str) -> None:
        self.done.append(("close", code, reason))

    def abort(self, why: str) -> None:
        self.done.append(("abort", why))

    def set_ping(self, interval: int) -> None:
        self.done.append(("ping", interval))


class Bench:
    """A shell whose dials and sessions are ours."""

    def __init__(self, *plans: dict[str, list[Effect] | Exception]) -> None:
        loop = asyncio.get_running_loop()
        self.links: list[Line] = []
        self.sessions: list[Script] = []
        self.seeds: list[int] = []
        self.plans = deque(plans)
        self.memories: list[Any] = []
        self.keeper = Keeper()
        self.keeper.host_id = uuid.uuid4()
        self.shell = Shell(
            loop, Clock(loop.time), Timers(loop), Gate(loop, 1e6), self.dial, Recorder(), self.keeper, self.make
        )

    def dial(self, address: str, subprotocol: str, listener: Listener, _credentials: Any = None) -> Line:
        self.links.append(Line(address, subprotocol, listener))
        return self.links[-1]

    def make(self, spec: ChargerSpec, *, now: float, seed: int, memory: Any = None) -> Script:
        if memory == {"bad": True}:
            raise KeyError("settings")
        self.memories.append(memory)
        self.seeds.append(seed)
        self.sessions.append(Script(self.plans.popleft() if len(self.plans) > 1 else self.plans[0]))
        return self.sessions[-1]

    def runner(self, memory: str = "", **changes: Any) -> Runner:
        values = {"charger_id": 7, "epoch": 3, "revision": 1, "ws_url": "ws://h/base/", "spec": SPEC} | changes
        return Runner(self.shell, Lease(**values), memory)

    def kept(self) -> Bundle:
        """What waits to be written of charger 7."""
        self.keeper._fold_news()
        return self.keeper._bundles[Holder(7, str(self.keeper.host_id), 3)]

    def shown(self) -> tuple[str, str]:
        news = [news for charger_id, news in self.shell.recorder._news if charger_id == 7][-1]
        return news.state, news.detail


DIALS: dict[str, list[Effect] | Exception] = {"start": [State(CONNECTING), Connect()]}


async def opened(bench: Bench, runner: Runner) -> Line:
    runner.start()
    await asyncio.sleep(0.03)
    runner.opened(bench.links[-1], "ocpp1.6")
    return bench.links[-1]


def test_it_dials_the_address_with_the_identity_encoded(run):
    async def scenario():
        bench = Bench(DIALS)
        link = await opened(bench, bench.runner())
        assert (link.address, link.subprotocol) == ("ws://h/base/A%201", "ocpp1.6")
        assert bench.sessions[0].calls == [("start",), ("connected", "ocpp1.6")]

    run(scenario())


def test_it_carries_out_effects_in_their_order(run):
    async def scenario():
        effects = [Send("b", "Boot"), State(ONLINE), Send("c"), Close(1001, "x")]
        bench = Bench(DIALS | {"connected": effects})
        link = await opened(bench, bench.runner())
        assert link.done == [("send", "b"), ("send", "c"), ("close", 1001, "x")]
        assert bench.shown() == ("online", "")
        row, _ = bench.shell.recorder._rows
        assert (row.charger_id, row.direction, row.action, row.message) == (7, "cp_to_csms", "Boot", "b")

    run(scenario())


def test_frames_of_one_turn_go_out_together(run):
    async def scenario():
        answered = [Send("answer", "Trigger"), Settled("1", True, "", {}), Send("call")]
        bench = Bench(DIALS | {"text": answered})
        link = await opened(bench, bench.runner())
        link.listener.received(link, "trigger")
        assert link.together == [("answer", "call")]

    run(scenario())


@pytest.mark.parametrize("call", ["start", "connected", "text", "refused_frame", "disconnected", "wake"])
def test_a_bug_in_a_session_ends_that_session_and_it_is_tried_again_later(run, monkeypatch, call, caplog):
    monkeypatch.setattr(running, "OFF_FIRST", 0.1)

    async def scenario():
        bench = Bench(DIALS | {call: ZeroDivisionError("a bug")}, DIALS)
        other, runner = bench.runner(charger_id=8), bench.runner()
        runner.start()
        await asyncio.sleep(0.03)
        if bench.links:
            link = bench.links[0]
            runner.opened(link, "ocpp1.6")
            if call == "wake":
                runner.ring(0.0)
            runner.received(link, "{}")
            runner.refused(link, "binary")
            runner.closed(link, "gone")
        assert bench.shown()[0] == "offline"
        assert "internal error of the simulator: ZeroDivisionError('a bug')" in bench.shown()[1]
        assert "a bug" in caplog.text
        other.start()
        assert len(bench.sessions) == 2
        await asyncio.sleep(0.25)
        assert len(bench.sessions) == 3, "not tried again"
        assert bench.sessions[2].calls[0] == ("start",)

    run(scenario())


def test_a_session_that_always_fails_is_tried_ever_less_often(run, monkeypatch):
    monkeypatch.setattr(running, "OFF_FIRST", 0.05)

    async def scenario():
        bench = Bench({"start": ZeroDivisionError()})
        bench.runner().start()
        await asyncio.sleep(0.9)
        assert 3 <= len(bench.sessions) <= 5

    run(scenario())


def test_a_session_that_wants_to_wake_in_the_past_does_not_spin(run):
    async def scenario():
        bench = Bench(DIALS)
        runner = bench.runner()
        runner.start()
        bench.sessions[0].wake_at = 0.0
        runner.ring(0.0)
        await asyncio.sleep(0.3)
        assert 5 < bench.sessions[0].calls.count(("wake",)) <= 31

    run(scenario())


def test_stopping_waits_for_the_end_of_the_connection(run):
    async def scenario():
        bench, ended = Bench(DIALS | {"stop": [Close(1000, "off"), State(OFFLINE)]}), []
        runner = bench.runner()
        link = await opened(bench, runner)
        runner.stop(ended.append)
        assert link.done[0] == ("close", 1000, "off")
        assert not ended
        runner.received(link, "late")
        runner.closed(link, "closed")
        assert ended == [runner]
        assert bench.sessions[0].calls[-1] == ("stop",)

    run(scenario())


def test_stopping_without_a_connection_ends_at_once_and_a_dial_that_waits_is_dropped(run):
    async def scenario():
        bench, ended = Bench(DIALS), []
        runner = bench.runner()
        runner.start()
        runner.stop(ended.append)
        assert ended == [runner]
        await asyncio.sleep(0.05)
        assert not bench.links

    run(scenario())


def test_a_bug_in_stop_still_ends(run):
    async def scenario():
        bench, ended = Bench(DIALS | {"stop": ZeroDivisionError()}), []
        runner = bench.runner()
        link = await opened(bench, runner)
        runner.stop(ended.append)
        runner.closed(link, "cut")
        assert ended == [runner]
        await asyncio.sleep(0.05)
        assert len(bench.sessions) == 1

    run(scenario())


def test_a_lost_lease_is_cut_without_a_word_to_the_database(run):
    async def scenario():
        bench = Bench(DIALS | {"disconnected": [State(OFFLINE, "gone"), Connect()]})
        runner = bench.runner()
        link = await opened(bench, runner)
        before = bench.shown()
        runner.cut("lost")
        runner.received(link, "late")
        runner.closed(link, "lost")
        runner.ring(0.0)
        await asyncio.sleep(0.05)
        assert link.done == [("abort", "lost")]
        assert bench.shown() == before
        assert len(bench.links) == 1
        assert bench.sessions[0].calls == [("start",), ("connected", "ocpp1.6")]

    run(scenario())


def test_news_of_a_former_connection_is_ignored(run):
    async def scenario():
        bench = Bench(DIALS | {"disconnected": [Connect()]})
        runner = bench.runner()
        first = await opened(bench, runner)
        runner.closed(first, "gone")
        await asyncio.sleep(0.03)
        second = bench.links[1]
        runner.received(first, "late")
        runner.closed(first, "again")
        runner.opened(second, "ocpp1.6")
        assert [call[0] for call in bench.sessions[0].calls] == ["start", "connected", "disconnected", "connected"]

    run(scenario())


def test_a_charger_that_cannot_be_simulated_says_why_and_can_be_stopped(run):
    async def scenario():
        bench, ended = Bench(DIALS), []
        runner = bench.runner(spec=None, problem="its catalog model cannot be simulated")
        runner.start()
        assert bench.shown() == ("offline", "its catalog model cannot be simulated")
        runner.stop(ended.append)
        assert ended == [runner]

    run(scenario())


def test_every_life_has_its_own_seed(run):
    async def scenario():
        bench = Bench(DIALS)
        for changes in ({}, {"epoch": 4}, {"revision": 2}, {"charger_id": 8}):
            bench.runner(**changes).start()
        again = bench.runner(epoch=9)
        again.start()
        again.start()
        assert len(set(bench.seeds)) == 6

    run(scenario())


STARTED = Ledger(TransactionStarted(str(uuid.UUID(int=1)), 1, "TAG", 1.0, 100, offline=False))
ORDER = Intent("c0ffee", "plug", {"connector": 1})


def test_nothing_is_sent_before_an_urgent_memory_of_the_same_breath_is_kept(run):
    async def scenario():
        bench = Bench(DIALS | {"text": [Send("start"), STARTED, Remember(urgent=True)], "wake": [Send("later")]})
        runner = bench.runner()
        link = await opened(bench, runner)
        runner.received(link, "x")
        runner.ring(0.0)
        assert link.done == []
        bundle = bench.kept()
        assert (bundle.memory, len(bundle.entries)) == ('{"calls":3}', 1)
        bundle.tell()
        await asyncio.sleep(0.01)
        assert link.done == [("send", "start"), ("send", "later")]
        runner.ring(0.0)
        assert link.done[-1] == ("send", "later")

    run(scenario())


def test_a_memory_that_is_not_urgent_holds_nothing_up(run):
    async def scenario():
        bench = Bench(DIALS | {"text": [Send("sample"), Remember(urgent=False)]})
        runner = bench.runner()
        link = await opened(bench, runner)
        runner.received(link, "x")
        assert link.done == [("send", "sample")]
        assert bench.kept().memory

    run(scenario())


def test_what_is_said_only_when_the_csms_has_answered_waits_for_the_memory_too(run):
    async def scenario():
        bench = Bench(DIALS | {"wake": [STARTED, Remember(urgent=True)], "text": [Send("start")]})
        runner = bench.runner()
        link = await opened(bench, runner)
        runner.ring(0.0)  # another CALL is outstanding
        runner.received(link, "its answer")
        assert link.done == []
        bench.kept().tell()
        await asyncio.sleep(0.01)
        assert link.done == [("send", "start")]

    run(scenario())


def test_a_charger_that_hangs_up_says_its_answers_first_and_keeps_calls_for_later(run):
    async def scenario():
        said = [Send('[2,"a","StopTransaction",{}]'), Send('[3,"b",{}]'), Close(1000, "reboot"), Remember(urgent=True)]
        bench = Bench(DIALS | {"text": said})
        runner = bench.runner()
        link = await opened(bench, runner)
        runner.received(link, "x")
        assert link.done == [("send", '[3,"b",{}]'), ("close", 1000, "reboot")]

    run(scenario())


def test_what_was_held_back_for_one_connection_is_not_said_on_the_next_which_waits_as_well(run):
    async def scenario():
        plan = {"text": [Send("start"), Remember(urgent=True)], "wake": [Connect()], "refused_frame": [Send("again")]}
        bench = Bench(DIALS | plan)
        runner = bench.runner()
        link = await opened(bench, runner)
        runner.received(link, "x")
        runner.closed(link, "gone")
        runner.ring(0.0)
        await asyncio.sleep(0.03)
        runner.opened(bench.links[1], "ocpp1.6")
        runner.refused(bench.links[1], "x")
        assert (link.done, bench.links[1].done) == ([], [])
        bench.kept().tell()
        await asyncio.sleep(0.01)
        assert (link.done, bench.links[1].done) == ([], [("send", "again")])

    run(scenario())


def test_a_memory_that_is_made_without_a_connection_is_waited_for_by_the_next_one(run):
    async def scenario():
        bench = Bench({"start": [Remember(urgent=True), Connect()], "connected": [Send("stop")]})
        link = await opened(bench, bench.runner())
        assert link.done == []
        bench.kept().tell()
        await asyncio.sleep(0.01)
        assert link.done == [("send", "stop")]

    run(scenario())


def test_nothing_is_done_once_the_lease_may_be_anothers(run):
    async def scenario():
        bench = Bench(DIALS | {"text": [Send("answer")], "wake": [Send("sample")]})
        runner = bench.runner()
        link = await opened(bench, runner)
        bench.shell.lifeline.until = time.monotonic() - 0.001
        runner.received(link, "x")
        runner.ring(0.0)
        assert (link.done, len(bench.sessions[0].calls)) == ([], 2)

    run(scenario())


def test_a_charger_that_is_handed_on_before_its_turn_came_hands_over_what_it_got(run):
    async def scenario():
        bench = Bench(DIALS | {"hand_over": [Remember(urgent=True)]})
        runner = bench.runner(memory='{"wh": 5}')
        ended = []
        runner.stop(ended.append, hand_over=True)
        assert bench.sessions[0].calls == [("start",), ("hand_over",)]
        assert (ended, json.loads(bench.kept().memory)) == ([runner], {"calls": 2})
        await asyncio.sleep(0.03)
        assert bench.links == [], "its dial waited at the gate and came to nothing"

    run(scenario())


def test_a_session_begins_with_what_the_former_life_left_and_after_a_bug_with_what_it_last_kept(run, monkeypatch):
    async def scenario():
        bench = Bench(DIALS | {"text": [Remember(urgent=True)], "wake": ValueError("bug")})
        runner = bench.runner(memory='{"wh": 5}')
        link = await opened(bench, runner)
        runner.received(link, "x")
        runner.ring(0.0)
        runner.ring(0.0)
        assert bench.memories == [{"wh": 5}, {"calls": 3}]

    run(scenario())


@pytest.mark.parametrize(("memory", "aside"), [('{"bad": true}', {"bad": True}), ("{", "{"), ("[1]", [1])])
def test_a_memory_that_no_session_understands_is_set_aside_and_the_charger_lives(run, memory, aside):
    async def scenario():
        bench = Bench(DIALS | {"text": [Remember(urgent=True)]})
        runner = bench.runner(memory=memory)
        link = await opened(bench, runner)
        assert bench.memories == [None]
        runner.received(link, "x")
        assert json.loads(bench.kept().memory) == {"calls": 3, "set_aside": [aside]}

    run(scenario())


def test_a_memory_with_which_no_session_starts_is_set_aside_too(run):
    async def scenario():
        bench = Bench({"start": IndexError("tuple index")}, DIALS | {"connected": [Remember(urgent=True)]})
        await opened(bench, bench.runner(memory='{"wh": 5, "set_aside": [1, 2, 3]}'))
        assert bench.memories == [{"wh": 5}, None]
        assert json.loads(bench.kept().memory)["set_aside"] == [2, 3, {"wh": 5}]

    run(scenario())


def test_a_memory_with_which_three_sessions_in_a_row_fail_is_set_aside(run):
    async def scenario():
        bench = Bench(DIALS | {"wake": ValueError("bug")})
        runner = bench.runner(memory='{"wh": 5}')
        runner.start()
        for _ in range(6):  # fails, and begins anew
            runner.ring(0.0)
        assert bench.memories == [{"wh": 5}, {"wh": 5}, {"wh": 5}, None]

    run(scenario())


def test_what_was_set_aside_stays_aside_in_later_lives(run):
    async def scenario():
        bench = Bench(DIALS | {"connected": [Remember(urgent=True)]})
        await opened(bench, bench.runner(memory='{"wh": 5, "set_aside": [{"bad": true}]}'))
        assert bench.memories == [{"wh": 5}]
        assert json.loads(bench.kept().memory)["set_aside"] == [{"bad": True}]

    run(scenario())


def test_an_order_has_the_outcome_that_the_session_settles(run):
    async def scenario():
        bench = Bench(DIALS | {"intent": [Settled("c0ffee", ok=False, code="faulted", data={"a": "\x00"})]})
        runner = bench.runner()
        await opened(bench, runner)
        runner.order(ORDER)
        assert bench.kept().endings == [("c0ffee", "failed", '{"code":"faulted","data":{"a":"\\ufffd"}}')]
        runner.stop(lambda _: None)
        assert len(bench.kept().endings) == 1

    run(scenario())


@pytest.mark.parametrize("end", ["stop", "bug", "no session"])
def test_an_order_without_an_end_of_its_own_ends_with_the_session(run, end):
    async def scenario():
        bench = Bench(DIALS | {"wake": ValueError("bug")})
        runner = bench.runner(**({"spec": None} if end == "no session" else {}))
        if end == "no session":
            runner.order(ORDER)
        else:
            await opened(bench, runner)
            runner.order(ORDER)
            runner.stop(lambda _: None) if end == "stop" else runner.ring(0.0)
        code = "internal_error" if end == "bug" else "powered_off"
        assert [ending.outcome for ending in bench.kept().endings] == [f'{{"code":"{code}","data":{{}}}}']

    run(scenario())


def test_an_order_does_not_wait_for_the_turn_of_its_charger_to_be_powered_on(run):
    async def scenario():
        bench = Bench(DIALS | {"intent": [Settled("c0ffee", ok=True, code="accepted", data={})]})
        runner = bench.runner()
        assert not runner.started
        runner.order(ORDER)
        assert runner.started
        assert [ending.status for ending in bench.kept().endings] == ["done"]

    run(scenario())


def test_a_lost_lease_says_nothing_of_its_orders(run):
    async def scenario():
        bench = Bench(DIALS)
        runner = bench.runner()
        await opened(bench, runner)
        runner.order(ORDER)
        runner.cut("lost")
        assert not bench.keeper._news

    run(scenario())
