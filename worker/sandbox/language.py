"""The functions that Starlark itself has, as authors want to be reminded of them.

One block each: signature, what it does, and an example in the form of the host library's. Left out are those that tell
nothing about data, such as ``dir``.
"""

from typing import Final

BUILTINS: Final = r"""
all(values: list) -> bool
Whether every item is true; of an empty list, True.
>>> all([1, 0])
false

any(values: list) -> bool
Whether one item at least is true.
>>> any([1, 0])
true

bool(value) -> bool
False for None, False, 0 and what is empty; else True.
>>> bool([])
false

chr(code: int) -> string
The character of a Unicode code point.
>>> chr(228)
"ä"

dict(pairs: list) -> dict
A dict of a list of pairs.
>>> dict([["a", 1]])
{"a": 1}

enumerate(values: list, start: int = 0) -> list
Pairs of a number and an item.
>>> enumerate(["a", "b"], 1)
[[1, "a"], [2, "b"]]

fail(message: str) -> None
End the call with an error of class `hook.fail`.
>>> fail("no id")
error: no id

filter(function, values: list) -> list
The items of which a function says True.
>>> filter(bool, [0, 1])
[1]

float(value) -> float
A number with a fraction, read from a text if need be.
>>> float("2.5")
2.5

getattr(value, name: str, default = None) -> any
A field of a struct by its name.

hasattr(value, name: str) -> bool
Whether a struct has a field of that name.

int(value) -> int
A whole number, read from a text if need be.
>>> int("007")
7

json.decode(text: str) -> any
The value that a JSON text says.
>>> json.decode('[1]')
[1]

json.encode(value) -> string
A value as JSON text.
>>> json.encode({"a": None})
"{\"a\":null}"

len(value) -> int
The number of characters, items or entries.
>>> len("abc")
3

list(values) -> list
A new list of the items.
>>> list({"a": 1})
["a"]

map(function, values: list) -> list
What a function makes of each item.
>>> map(len, ["ab"])
[2]

max(values: list, *, key = None) -> any
The greatest item.
>>> max(["a", "ccc"], key = len)
"ccc"

min(values: list, *, key = None) -> any
The least item.
>>> min([3, 1, 2])
1

ord(char: str) -> int
The Unicode code point of a character.
>>> ord("a")
97

partial(function, *values) -> function
A function with its first arguments given.

range(start: int, stop: int, step: int = 1) -> list
Numbers from start up to stop.
>>> list(range(1, 4))
[1, 2, 3]

repr(value) -> string
A value as source text.
>>> repr(["a"])
"[\"a\"]"

reversed(values: list) -> list
The items from last to first.
>>> reversed([1, 2])
[2, 1]

sorted(values: list, *, key = None, reverse: bool = False) -> list
The items in order; equal ones stay as they were.
>>> sorted(["b", "a"], reverse = True)
["b", "a"]

str(value) -> string
A value as text.
>>> str(7)
"7"

struct(**fields) -> struct
A record with fields: `person = struct(name = "Anna")`, then `person.name`.

tuple(values) -> tuple
A list that cannot change.
>>> tuple([1])
[1]

type(value) -> string
The name of a value's type.
>>> type([])
"list"

zip(*values) -> list
Tuples of the first items, the second items, ...
>>> zip([1], ["a"])
[[1, "a"]]
"""
