"""The only code that touches the state directory. Paths are plain text here: pathlib would
cost each hook 10 ms.
"""
