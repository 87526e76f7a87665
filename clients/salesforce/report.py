"""One line of JSON for each case."""

import json
import pathlib
import time
import tomllib
import traceback


class NotOffered(Exception):
    """The client's own API has no such thing; the text says why."""


def print_line(case, outcome, detail, start):
    milliseconds = round((time.monotonic() - start) * 1000)
    line = {"case": case, "outcome": outcome, "detail": detail, "milliseconds": milliseconds}
    print(json.dumps(line), flush=True)


def explain(error):
    """Tells an error with where it came from; of a group, each."""
    return "".join(traceback.format_exception(error))


def run(case, body):
    """Runs one case; what it returns is the detail."""
    start = time.monotonic()
    try:
        detail = body() or ""
    except NotOffered as reason:
        print_line(case, "not_offered", str(reason), start)
    except Exception as error:  # whatever it is, the other cases run
        print_line(case, "failed", explain(error), start)
    else:
        print_line(case, "passed", detail, start)


async def run_async(case, body):
    """Runs one case that is a coroutine."""
    start = time.monotonic()
    try:
        detail = await body() or ""
    except NotOffered as reason:
        print_line(case, "not_offered", str(reason), start)
    except Exception as error:  # whatever it is, the other cases run
        print_line(case, "failed", explain(error), start)
    else:
        print_line(case, "passed", detail, start)


def cases(only=None):
    """Returns the names in cases.toml, or the one asked for."""
    listed = tomllib.loads(pathlib.Path(__file__).with_name("cases.toml").read_text())["case"]
    return [case["name"] for case in listed if only in (None, case["name"])]
