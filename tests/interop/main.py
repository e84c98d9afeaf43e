"""Programs that none of us wrote, against separate processes of the suite.

usage: main.py SUITE, where SUITE is the program that runs a suite and prints where it is.
"""

import json
import os
import subprocess
import sys
import threading

import buf_client
import mails
import otlp
import reflection_client
from checks import Checks


def start_suite(program, smtp_url, otlp_url):
    """Starts the suite and answers its process and where it is."""
    suite = subprocess.Popen(
        [program, "--mail", smtp_url, "--otlp", otlp_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    line = suite.stdout.readline()
    if not line:
        sys.exit(f"the suite did not start (exit {suite.wait()})")
    return suite, json.loads(line)


def main():
    checks = Checks()
    receiver = otlp.Receiver()
    smtp = mails.Server()
    suite, place = start_suite(sys.argv[1], smtp.url, receiver.url)
    try:
        reflection_client.check(checks, place)
        buf_client.check(checks, place)
        trace_id, pushed = mails.check(checks, place, smtp)
    finally:
        # Closing the pipe ends the suite in order, and with it flushes its telemetry.
        suite.stdin.close()
        ended = suite.wait(timeout=120)
    checks.expect("the suite ends in order", ended == 0, f"exit {ended}")
    otlp.check(checks, receiver, trace_id, pushed)
    smtp.stop()
    receiver.stop()
    return checks.finish()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Threads of the gRPC library may be slow to end; everything is told.
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)
