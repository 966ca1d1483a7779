#!/usr/bin/env python3
"""What ./dev demo promises, looked at: log-in over HTTPS, the serial line's prompt and the screen's picture.

    tests/scenario/demo_check.py DIR USER PASSWORD VM
"""

import struct
import sys
import time

from labkit import Lab, Failed, Serial


class Picture:
    """One whole picture of a screen by RFB 3.8 (RFC 6143) without a password."""

    def __init__(self, websocket):
        self.websocket = websocket
        self.at = 0

    def take(self, size, seconds=60):
        until = time.monotonic() + seconds
        while len(self.websocket.data) - self.at < size:
            if time.monotonic() > until or self.websocket.closed is not None:
                raise Failed("the screen sent %d bytes and no more" % len(self.websocket.data))
            self.websocket.receive(1)
        taken = bytes(self.websocket.data[self.at:self.at + size])
        self.at += size
        return taken

    def pixels(self):
        send = self.websocket.send
        if self.take(12) != b"RFB 003.008\n":
            raise Failed("the screen does not speak RFB 3.8")
        send(b"RFB 003.008\n")
        kinds = self.take(self.take(1)[0])
        if 1 not in kinds:
            raise Failed("the screen asks for a password")
        send(b"\x01")
        if self.take(4) != bytes(4):
            raise Failed("the screen refuses")
        send(b"\x01")
        width, height = struct.unpack(">HH", self.take(4))
        bits = self.take(16)[0]
        self.take(struct.unpack(">I", self.take(4))[0])
        send(struct.pack(">BxHi", 2, 1, 0))  # raw pixels alone
        send(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
        seen = set()
        left = width * height
        while left > 0:
            kind = self.take(1)[0]
            if kind != 0:
                raise Failed("the screen sent message %d instead of a picture" % kind)
            for _ in range(struct.unpack(">xH", self.take(3))[0]):
                _, _, wide, high, encoding = struct.unpack(">HHHHi", self.take(12))
                if encoding != 0:
                    raise Failed("the screen sent encoding %d" % encoding)
                data = self.take(wide * high * bits // 8)
                step = bits // 8
                seen.update(data[i:i + step] for i in range(0, len(data), step * 7))
                left -= wide * high
        return width, height, len(seen)


def main():
    directory, user, password, vm = sys.argv[1:]
    lab = Lab(directory=directory, accounts={user: (password, "")}, keep=True).attach()
    web = lab.web(user)
    print("logged in as " + web.get("/api/v1/whoami").json()["user"])
    running = lab.wait_running(vm, 180)
    print(vm + " answers at " + lab.address(running))
    with Serial(lab.console(web, vm, "serial")) as line:
        if not (line.log_in(120) and line.answer("echo $((6*7))", "42")):
            raise Failed("the serial line does not answer: " + line.text[-500:])
    print("the serial line answers")
    screen = lab.console(web, vm, "screen")
    try:
        width, height, colours = Picture(screen).pixels()
    finally:
        screen.close()
    if colours < 2:
        raise Failed("the screen is blank")
    print("the screen shows %dx%d in %d colours" % (width, height, colours))


if __name__ == "__main__":
    main()
