"""The command line for a process that must not outlive whoever started it: it ends when its standard input does.

However the starter ends, the system closes his end of the pipe; a bot that is killed loses nothing.
"""

import os
import sys
import threading

from bot.__main__ import main

_ABANDONED = 1


def _end_with_input() -> None:
    # Read below Python's buffers: whoever waits inside them for ever would hold up the interpreter's own end.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(_ABANDONED)


if __name__ == "__main__":
    threading.Thread(target=_end_with_input, daemon=True).start()
    main()
