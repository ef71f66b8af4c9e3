#!/usr/bin/env python3
"""Talks to a QEMU monitor socket (QMP).

  qmp.py SOCKET run COMMAND [JSON]   one command, prints what it returns
  qmp.py SOCKET monitor LINE         one line for the human monitor; fails when the answer is an error
  qmp.py SOCKET port                 the port of 127.0.0.1 that leads to the guest's sshd
  qmp.py SOCKET store FILE           stops the machine, writes its devices (not its shared RAM) to FILE
  qmp.py SOCKET load FILE            the reverse, for a machine started with -incoming defer; lets it run
"""
import json
import re
import shlex
import socket
import sys
import time


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        # A snapshot of a machine under load takes its time, but a dead one must not block for ever.
        self.socket.settimeout(300)
        self.socket.connect(path)
        self.stream = self.socket.makefile("r", encoding="utf-8")
        self.stream.readline()
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        for line in self.stream:
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        if command == "quit":
            return {}
        raise RuntimeError(f"{command}: the machine ended")

    def monitor(self, line):
        text = self.run("human-monitor-command", **{"command-line": line})
        # The human monitor has no status of its own; success of what is used here is silent.
        if "error" in text.lower():
            raise RuntimeError(f"{line}: {text.strip()}")
        return text

    def port(self):
        found = re.search(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s", self.run(
            "human-monitor-command", **{"command-line": "info usernet"}))
        if not found:
            raise RuntimeError("no forwarded port")
        return found.group(1)

    def ignore_shared(self, state):
        # RAM stays in its own file, which each machine maps: nothing to read at a start.
        self.run("migrate-set-capabilities", capabilities=[{"capability": "x-ignore-shared", "state": state}])

    def wait_migration(self):
        while True:
            info = self.run("query-migrate")
            status = info.get("status")
            if status == "completed":
                return
            if status in ("failed", "cancelled"):
                raise RuntimeError(f"state {status}: {info.get('error-desc', 'no reason given')}")
            time.sleep(0.02)

    def store(self, path):
        self.run("stop")
        self.ignore_shared(True)
        self.run("migrate", uri="exec:cat > " + shlex.quote(path))
        self.wait_migration()

    def load(self, path):
        self.ignore_shared(True)
        self.run("migrate-incoming", uri="exec:cat " + shlex.quote(path))
        self.wait_migration()
        # Snapshots taken later must contain the RAM.
        self.ignore_shared(False)
        self.run("cont")


def main():
    path, action, *rest = sys.argv[1:]
    machine = Monitor(path)
    if action == "run":
        print(json.dumps(machine.run(rest[0], **(json.loads(rest[1]) if len(rest) > 1 else {}))))
    elif action == "monitor":
        print(machine.monitor(rest[0]), end="")
    elif action == "port":
        print(machine.port())
    elif action == "store":
        machine.store(rest[0])
    elif action == "load":
        machine.load(rest[0])
    else:
        raise RuntimeError(f"unknown action {action}")


try:
    main()
except (OSError, RuntimeError, ValueError) as error:
    sys.exit(f"qmp: {error}")
