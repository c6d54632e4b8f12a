"""Kills a collector at random, again and again, and then lets it finish.

The collector runs in processes of its own, forked from one that has everything imported. It reports each step (a part stored, a
channel told); it is killed with SIGKILL after a random number of steps, so that kills fall into its work on any machine.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from etl.settings import Settings

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["etl.usecases.collect", "etl.channels.sftp", "etl.channels.buckets", "etl.channels.mailbox", "etl.channels.pull"]
)
_STEP = "step"
_SECONDS = 120.0


@dataclass
class Killing:
    """What came of it. `killed`: how many runs were alive when they were killed; `seen`: what `probe` told after each;
    `summary`: what the last run, which nobody killed, has to say."""

    killed: int = 0
    seen: list[Any] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)


def kill_and_finish(
    settings: Settings,
    *,
    kills: int = 10,
    most_steps: int = 250,
    seed: int = 5,
    probe: Callable[[], Any] = lambda: None,
    last: Callable[[], Any] = lambda: None,
    paths: list[Path] | None = None,
) -> Killing:
    """Collect all channels of the settings' register (or the paths), killed so many times, each after 1 to `most_steps` steps;
    then, after `last` was called, once to the end.

    A run that is done before it could be killed counts as not killed. Fails where the last run does.
    """
    choose, found = random.Random(seed), Killing()
    for _ in range(kills):
        process, steps = _start(settings, paths)
        try:
            for _ in range(choose.randint(1, most_steps)):
                if _receive(steps) != _STEP:
                    break
        finally:
            process.kill()
            process.join()
        found.killed += process.exitcode == -9
        found.seen.append(probe())
    last()
    process, steps = _start(settings, paths)
    while (answer := _receive(steps)) == _STEP:
        pass
    process.join()
    assert isinstance(answer, dict), answer
    found.summary = answer
    return found


def _start(settings: Settings, paths: list[Path] | None) -> tuple[Any, Connection]:
    receiving, sending = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=collect_and_tell, args=(settings, paths, sending), daemon=True)
    process.start()
    sending.close()
    return process, receiving


def _receive(steps: Connection) -> Any:
    assert steps.poll(_SECONDS), "the collector has not moved for two minutes"
    try:
        return steps.recv()
    except EOFError:
        return "the collector ended without a word"


def collect_and_tell(settings: Settings, paths: list[Path] | None, told: Connection) -> None:
    """The collector: tells each step, at the end its summary, or the text of what went wrong."""
    from etl.landing.store import LandingStore
    from etl.usecases import collect
    from etl.usecases.context import open_context

    def report(function: Callable[..., Any]) -> Callable[..., Any]:
        def reporting(*arguments: Any) -> Any:
            result = function(*arguments)
            told.send(_STEP)
            return result

        return reporting

    LandingStore.put_stream = report(LandingStore.put_stream)  # type: ignore[method-assign]
    collect._tell = report(collect._tell)
    try:
        with open_context(settings) as context:
            told.send(asdict(collect.collect_arrivals(context, paths)))
    except Exception as error:
        told.send(f"{type(error).__name__}: {error}")
        raise


def collect_together(settings: Settings, collectors: int) -> list[dict[str, Any]]:
    """So many collectors at once, to their ends; their summaries."""
    running = [_start(settings, None) for _ in range(collectors)]
    summaries = []
    for process, steps in running:
        while (answer := _receive(steps)) == _STEP:
            pass
        process.join()
        assert isinstance(answer, dict), answer
        summaries.append(answer)
    return summaries
