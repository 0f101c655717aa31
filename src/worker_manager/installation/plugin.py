"""Where the plugin's files lie."""

import os

_PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def root() -> str:
    """The folder with hooks, launcher and skills: within the package where a wheel has brought it,
    else the checkout that the package lies in.
    """
    carried = os.path.join(_PACKAGE, "plugin")
    return carried if os.path.isdir(carried) else os.path.dirname(os.path.dirname(_PACKAGE))
