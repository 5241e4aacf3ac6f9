"""Naming the process that listens on a port."""

import os
import socket
import sys

from headway.adapters.port_owner import port_owner


def test_the_process_that_listens_is_named_with_its_command() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told = port_owner(listener.getsockname()[1])
    if sys.platform == "linux":
        assert told is not None
        assert told.startswith(f"process {os.getpid()} (")
    else:
        assert told is None, "only Linux tells"


def test_a_port_that_nobody_listens_on_has_no_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert port_owner(port) is None
