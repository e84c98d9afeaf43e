"""`buf curl`: another client, in Go, which also learns everything by reflection."""

import json
import pathlib
import subprocess
import sys

BUF = pathlib.Path(sys.executable).with_name("buf")


def curl(url, *further):
    """Runs `buf curl` and answers its exit code, output and errors."""
    command = [BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", *further, url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def check(checks, place):
    """Lists methods and calls one."""
    print("buf curl")
    url = place["urls"]["notifications"]
    code, methods, errors = curl(url, "--list-methods")
    listed = "seva.notifications.v1.PreferenceService/ListCategories" in methods
    checks.expect("methods are listed by reflection", code == 0 and listed, f"exit {code}: {methods}{errors}")

    method = f"{url}/seva.notifications.v1.PreferenceService/ListCategories"
    token = f"authorization: Bearer {place['tokens']['agent']}"
    code, answer, errors = curl(method, "-H", token, "-d", "{}")
    categories = json.loads(answer).get("categories", []) if code == 0 else []
    names = [category["name"] for category in categories]
    checks.expect("a call is answered", "categories/order_updates" in names, f"exit {code}: {answer}{errors}")

    code, _, errors = curl(method, "-d", "{}")
    error = json.loads(errors) if errors.startswith("{") else {}
    checks.expect("a call without a token is refused", code != 0 and error.get("code") == "unauthenticated", f"exit {code}: {errors}")
