"""Sends back whatever it gets, by ZeroMQ's library: ROLE (listens or dials) and ADDRESS. Says where it listens or dials."""

import sys

import zmq

role, address = sys.argv[1:]
socket = zmq.Context().socket(zmq.ROUTER if role == "listens" else zmq.DEALER)
if role == "listens":
    socket.bind(address)
    address = socket.getsockopt_string(zmq.LAST_ENDPOINT)
else:
    socket.connect(address)
print(address, flush=True)
while True:
    socket.send_multipart(socket.recv_multipart())
