"""Checks lines on standard input against OCSF 1.7.0, by the models of pydantic-ocsf.

Each line must be an event of its class, with nothing that the class, or an object in it, does not have.
Ends with 1 when one is not. First it checks that events with a fault in them are refused.
"""

import json
import sys

from ocsf.v1_7_0.events import ApiActivity, DatastoreActivity
from pydantic import BaseModel

CLASSES = {6003: ApiActivity, 6005: DatastoreActivity}


def unknown(model, place=""):
    """Names that the schema does not have, in the event and in the objects in it."""
    for name in model.model_extra or {}:
        yield place + name
    for name in model.model_fields_set & set(type(model).model_fields):
        value = getattr(model, name)
        for one in value if isinstance(value, list) else [value]:
            # What the schema has no place for is where the schema says.
            if isinstance(one, BaseModel) and name != "unmapped":
                yield from unknown(one, f"{place}{name}.")


def problem(event):
    try:
        model = CLASSES[event["class_uid"]].model_validate(event)
    except (KeyError, ValueError) as error:
        return str(error)
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        return "type_uid is not that of class and activity"
    return ", ".join(unknown(model))


def self_test(event):
    """Each fault must be found, or the check proves nothing."""
    for name in ("time", "metadata", "actor", "src_endpoint", "severity"):
        without = {key: value for key, value in event.items() if not key.startswith(name)}
        assert problem(without), name
    assert problem({**event, "severity_id": 12})
    assert problem({**event, "shoe_size": 44})
    assert problem({**event, "actor": {**event["actor"], "shoe_size": 44}})
    assert problem({**event, "type_uid": 1})
    assert problem({**event, "activity_id": 77, "type_uid": event["class_uid"] * 100 + 77})


def main():
    events = [json.loads(line) for line in sys.stdin]
    assert events, "nothing to check"
    for class_uid in CLASSES:
        self_test(next(event for event in events if event["class_uid"] == class_uid))
    failures = 0
    for number, event in enumerate(events, 1):
        found = problem(event)
        if found:
            failures += 1
            print(f"line {number}: {found}", file=sys.stderr)
    print(f"{len(events)} events, {failures} not of OCSF 1.7.0")
    sys.exit(1 if failures else 0)


main()
