#!/usr/bin/python3

# Copyright (C) the ngx_http_schema1_module authors

# A client of HTTP/2 (h2) or HTTP/3 (aioquic) that says and breaks off what it
# is told to, for Schema1::Streams.
#
#     streams.py h2|h3 PORT < STEPS
#
# Steps are a JSON array of arrays, each done before the next:
#
#     connect [WINDOW]        a new connection, the one before is left as it is;
#                             so many bytes of a stream are taken unread
#     ask ID PATH [METHOD [HEADERS]]    a request on a stream of its own
#     begin ID PATH           one that does not end: its body is to come
#     until ID header|data|end          has come; gives up after 10 seconds
#     wait SECONDS            looks at what comes meanwhile
#     reset ID                the stream; with HTTP/3 both of its directions
#     stop ID                 HTTP/3: the answer's direction only
#     goaway                  HTTP/3: no more requests are made
#     close                   the connection, with a word
#     vanish                  the same without one
#
# Says a JSON object: for each ID status, headers, body (Latin-1), end (a
# boolean), reset (the server's code, or null); under "closed" for each
# connection whether the server has ended it.

import json
import socket
import ssl
import sys
import time


class Http2:
    def __init__(self, port, window):
        import h2.config
        import h2.connection

        self.events = __import__('h2.events').events
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            header_encoding='latin-1', validate_inbound_headers=False))
        self.window = window
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(2**30)
        self.h2.update_settings({4: window or 2**30})
        self.flush()

    def flush(self):
        try:
            self.socket.sendall(self.h2.data_to_send())
        except OSError:
            pass

    def ask(self, headers, end):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, headers, end_stream=end)
        return stream

    def reset(self, stream):
        self.h2.reset_stream(stream, 8)

    def close(self):
        self.h2.close_connection()
        self.flush()
        self.socket.close()

    def vanish(self):
        # a reset, not an end
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               b'\1\0\0\0\0\0\0\0')
        self.socket.close()

    def receive(self, seconds):
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            return
        except OSError:
            data = b''
        if not data:
            yield 'closed', None, None
            return

        for event in self.h2.receive_data(data):
            name = type(event).__name__
            if name == 'ResponseReceived':
                yield 'header', event.stream_id, event.headers
            elif name == 'DataReceived':
                if event.flow_controlled_length and not self.window:
                    self.h2.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id)
                yield 'data', event.stream_id, event.data
            elif name == 'StreamEnded':
                yield 'end', event.stream_id, None
            elif name == 'StreamReset':
                yield 'reset', event.stream_id, int(event.error_code)
            elif name == 'ConnectionTerminated':
                yield 'closed', None, None
        self.flush()


class Http3:
    def __init__(self, port, window):
        from aioquic.h3.connection import H3_ALPN, H3Connection
        from aioquic.quic.configuration import QuicConfiguration
        from aioquic.quic.connection import QuicConnection

        configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN,
                                          server_name='localhost')
        configuration.verify_mode = ssl.CERT_NONE
        if window:
            configuration.max_stream_data = window

        # it would take the length that a HEAD is told for that of its body
        H3Connection._check_content_length = lambda http, stream: None

        self.peer = ('127.0.0.1', port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.quic = QuicConnection(configuration=configuration)
        self.http = H3Connection(self.quic)
        self.quic.connect(self.peer, now=time.time())
        self.done = False
        self.flush()

        end = time.time() + 10
        while not self.quic._handshake_confirmed and time.time() < end:
            for event in self.receive(0.05):
                pass

    def flush(self):
        for data, _ in self.quic.datagrams_to_send(now=time.time()):
            try:
                self.socket.sendto(data, self.peer)
            except OSError:
                pass

    def ask(self, headers, end):
        stream = self.quic.get_next_available_stream_id()
        self.http.send_headers(stream, [(name.encode(), value.encode('latin-1'))
                                        for name, value in headers], end)
        return stream

    def reset(self, stream):
        self.quic.reset_stream(stream, 0x10c)
        self.stop(stream)

    def stop(self, stream):
        self.quic.stop_stream(stream, 0x10c)

    def goaway(self):
        # the control stream is the first that the client opens
        self.quic.send_stream_data(self.http._local_control_stream_id,
                                   b'\x07\x01\x00')

    def close(self):
        self.quic.close(error_code=0x100)
        self.flush()
        self.vanish()

    def vanish(self):
        self.socket.close()
        self.done = True

    def receive(self, seconds):
        now = time.time()
        timer = self.quic.get_timer()
        if timer is not None:
            seconds = min(seconds, timer - now)

        self.socket.settimeout(max(seconds, 0.001))
        try:
            data, _ = self.socket.recvfrom(65536)
            self.quic.receive_datagram(data, self.peer, now=time.time())
        except socket.timeout:
            pass
        except OSError:
            yield 'closed', None, None
            return

        now = time.time()
        if timer is not None and timer <= now:
            self.quic.handle_timer(now=now)

        while True:
            event = self.quic.next_event()
            if event is None:
                break

            name = type(event).__name__
            if name == 'StreamReset':
                yield 'reset', event.stream_id, event.error_code
            elif name == 'ConnectionTerminated':
                yield 'closed', None, None

            for part in self.http.handle_event(event):
                kind = type(part).__name__
                if kind == 'HeadersReceived':
                    yield 'header', part.stream_id, [
                        (name.decode('latin-1'), value.decode('latin-1'))
                        for name, value in part.headers]
                elif kind == 'DataReceived':
                    yield 'data', part.stream_id, part.data
                if getattr(part, 'stream_ended', False):
                    yield 'end', part.stream_id, None
        self.flush()


class Client:
    def __init__(self, kind, port):
        self.kind = {'h2': Http2, 'h3': Http3}[kind]
        self.port = port
        self.all = []               # connections
        self.asked = {}             # ID -> answer
        self.closed = []

    def connect(self, window=0):
        self.all.append(self.kind(self.port, window))
        self.closed.append(False)

    def request(self, name, path, method, headers, end):
        number = len(self.all) - 1
        stream = self.all[-1].ask([
            (':method', method), (':scheme', 'https'),
            (':authority', 'localhost'), (':path', path)]
            + [tuple(header) for header in headers], end)
        self.asked[name] = {'at': (number, stream), 'status': 0, 'headers': {},
                            'body': bytearray(), 'end': False, 'reset': None}
        self.all[-1].flush()

    def ask(self, name, path, method='GET', headers=()):
        self.request(name, path, method, headers, True)

    def begin(self, name, path):
        self.request(name, path, 'GET', (), False)

    def take(self, seconds):
        # only the newest connection is looked at
        number = len(self.all) - 1
        for kind, stream, what in self.all[-1].receive(seconds):
            if kind == 'closed':
                self.closed[number] = True
                continue

            for answer in self.asked.values():
                if answer['at'] != (number, stream):
                    continue
                if kind == 'header' and not answer['status']:
                    answer['headers'] = dict(what)
                    answer['status'] = int(answer['headers'][':status'])
                elif kind == 'data':
                    answer['body'] += what
                elif kind == 'end':
                    answer['end'] = True
                elif kind == 'reset':
                    answer['reset'] = what

    def until(self, name, what):
        answer = self.asked[name]
        end = time.time() + 10
        while time.time() < end and not self.closed[-1]:
            if answer['end'] or answer['reset'] is not None \
               or what == 'header' and answer['status'] \
               or what == 'data' and answer['body']:
                return
            self.take(end - time.time())

    def wait(self, seconds):
        end = time.time() + seconds
        while time.time() < end and not self.closed[-1]:
            self.take(end - time.time())

    def reset(self, name):
        # one that has come to its end is no stream any more
        if not self.asked[name]['end']:
            self.all[-1].reset(self.asked[name]['at'][1])
            self.all[-1].flush()

    def stop(self, name):
        if not self.asked[name]['end']:
            self.all[-1].stop(self.asked[name]['at'][1])
            self.all[-1].flush()

    def goaway(self):
        self.all[-1].goaway()
        self.all[-1].flush()

    def close(self):
        self.all[-1].close()

    def vanish(self):
        self.all[-1].vanish()

    def said(self):
        for answer in self.asked.values():
            answer['body'] = answer['body'].decode('latin-1')
            del answer['at']
        return dict(self.asked, closed=self.closed)


client = Client(sys.argv[1], int(sys.argv[2]))

for step, *arguments in json.load(sys.stdin):
    getattr(client, step)(*arguments)

json.dump(client.said(), sys.stdout)
