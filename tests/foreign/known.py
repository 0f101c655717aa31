"""What fails today, by row and life (`*`: each of them), with the fault that makes it fail.

An entry goes when its fault is mended: a life that does not fail any more fails its test.
"""

KNOWN: dict[str, dict[str, str]] = {}
