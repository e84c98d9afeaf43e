"""Counts what was as expected and what was not."""

import time


class Checks:
    """All checks of a run: a fault does not hide the next one."""

    def __init__(self):
        self.passed = 0
        self.failed = []

    def expect(self, what, is_so, detail=""):
        """Notes whether `what` is so."""
        if is_so:
            self.passed += 1
            print(f"  ok      {what}")
        else:
            self.failed.append(what)
            print(f"  FAILED  {what}: {detail}")

    def finish(self):
        """Prints the sum and answers the exit code."""
        print(f"{self.passed} passed, {len(self.failed)} failed")
        return 1 if self.failed or not self.passed else 0


def eventually(condition, seconds=60):
    """Waits until `condition` answers something true, and hands its last answer on."""
    give_up = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > give_up:
            return found
        time.sleep(0.05)
