# ruff: noqa: T201 - printing is what is tested
"""Workflows whose code forks: pools of processes, bare forks, and a worker kept from its end."""

import atexit
import logging
import multiprocessing
import os
import threading

from headway import step, workflow

fork = multiprocessing.get_context("fork")


def twice(number: int) -> int:
    print(f"doubling {number}")
    logging.getLogger("pool").warning("doubled %d", number)
    return number * 2


@workflow
def pool() -> int:
    with fork.Pool(2) as processes:
        return sum(processes.map(twice, [1, 2], chunksize=1))


@step
def bare() -> int:
    child = os.fork()
    if child == 0:
        print("from the fork", flush=True)
        os._exit(5)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@workflow
def fork_in_a_step() -> int:
    return bare()


@workflow
def held_at_exit() -> int:
    atexit.register(threading.Event().wait)
    return os.getpid()
