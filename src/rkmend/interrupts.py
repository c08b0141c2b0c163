"""Ctrl-C that is not lost."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs  # a name of the stubs alone

AGAIN_SECONDS: Final = 0.05
"""Longer than a destructor takes, shorter than anybody notices."""


def keep_interrupts() -> None:
    """From here on an interrupt that CPython drops comes again.

    An exception that leaves a destructor or another callback of the interpreter has nobody to go to. CPython hands it
    to `sys.unraisablehook` and goes on, with a KeyboardInterrupt, too: `ZipFile.__del__` swallowed one now and then
    while ONNX Runtime was imported, and the conversion ran to its end.
    """
    told = sys.unraisablehook

    def hook(lost: UnraisableHookArgs, /) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            told(lost)
            return
        again = threading.Timer(AGAIN_SECONDS, interrupt_main)
        again.daemon = True
        with suppress(RuntimeError):  # the interpreter ends, which is what was asked for
            again.start()

    sys.unraisablehook = hook


def interrupt_main() -> None:
    """What Ctrl-C does to the main thread, from any other."""
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # a true signal, which ends a wait of the main thread, too
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
