#!/usr/bin/python3
"""Asks the speaker's control socket for one thing and prints the answer's line of this number: ask status 1."""

import json
import socket
import sys

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("/run/speakerd/control.sock")
    connection.sendall(json.dumps({"do": sys.argv[1]}).encode() + b"\n")
    lines = connection.makefile()
    for _ in range(int(sys.argv[2])):
        line = lines.readline()
    sys.stdout.write(line)
