#!/usr/bin/python3

# Copyright (C) the ngx_http_schema1_module authors

# A client of HTTP/2 (h2) or HTTP/3 (quic.py beside this) that sends and breaks
# off what its steps say, for Schema1::Streams.
#
#     streams.py h2|h3 PORT < STEPS
#
# Steps are a JSON array of arrays, each done before the next:
#
#     connect [WINDOW]        a new connection, the one before is left as it is;
#                             so many bytes of a stream are taken unread
#     ask ID PATH [METHOD [HEADERS]]    a request on a stream of its own
#     begin ID PATH           one that does not end: its body is to come
#     until ID header|data|end          has come; gives up after 30 seconds
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
import sys
import time

if sys.argv[1] == 'h3':
    sys.dont_write_bytecode = True
    from hpack import huffman_table
    import quic


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
    # of QPACK's static table what nginx uses (RFC 9204, appendix A)
    static = {4: ('content-length', '0'), 6: ('date', ''),
              10: ('last-modified', ''), 12: ('location', ''),
              25: (':status', '200'), 31: ('accept-encoding', ''),
              53: ('content-type', 'text/plain'),
              59: ('vary', 'accept-encoding'), 92: ('server', '')}

    def __init__(self, port, window):
        self.quic = quic.Connection(('127.0.0.1', port), b'h3', window)
        self.unread = {}            # stream -> bytes of a frame

        # the control stream: an empty SETTINGS
        self.quic.write(2, b'\x00\x04\x00')

    def flush(self):
        self.quic.flush()

    @staticmethod
    def string(size, flags, value):
        """Not compressed, with a prefix of so many bits."""
        rest = len(value) - (1 << size) + 1
        if rest < 0:
            return bytes([flags | len(value)]) + value
        said = bytearray([flags | (1 << size) - 1])
        while rest > 127:
            said.append(rest & 127 | 128)
            rest >>= 7
        said.append(rest)
        return bytes(said) + value

    def ask(self, headers, end):
        section = b'\0\0' + b''.join(
            self.string(3, 0x20, name.encode())
            + self.string(7, 0, value.encode('latin-1'))
            for name, value in headers)
        return self.quic.open(b'\1' + quic.varint(len(section)) + section, end)

    def reset(self, stream):
        self.quic.reset(stream, 0x10c)
        self.stop(stream)

    def stop(self, stream):
        self.quic.stop(stream, 0x10c)

    def goaway(self):
        self.quic.write(2, b'\x07\x01\x00')

    def close(self):
        self.quic.close(0x100)

    def vanish(self):
        self.quic.vanish()

    @staticmethod
    def fields(section):
        reader = quic.Reader(section)

        def number(first, size):
            value = first & (1 << size) - 1
            shift, more = 0, 128
            if value < (1 << size) - 1:
                return value
            while more & 128:
                more = reader.number(1)
                value += (more & 127) << shift
                shift += 7
            return value

        def text(first, size):
            data = reader.take(number(first, size))
            if first & 1 << size:
                data = huffman_table.decode_huffman(data)
            return bytes(data).decode('latin-1')

        # no dynamic table: both numbers are zero
        reader.take(2)

        while reader.left():
            first = reader.number(1)
            if first & 0x80:
                yield Http3.static[number(first, 6)]
            elif first & 0x40:
                name = Http3.static[number(first, 4)][0]
                yield name, text(reader.number(1), 7)
            else:
                name = text(first, 3)
                yield name, text(reader.number(1), 7)

    def frames(self, stream, data):
        data = self.unread.pop(stream, b'') + data

        while data:
            reader = quic.Reader(data)
            try:
                kind, size = reader.varint(), reader.varint()
                # the part of a body that is there
                if kind == 0 and size > reader.left() > 0:
                    part = reader.take(reader.left())
                    self.unread[stream] = b'\0' + quic.varint(size - len(part))
                    yield 'data', stream, part
                    return
                payload = reader.take(size)
            except (ValueError, IndexError):
                self.unread[stream] = data
                return

            data = data[reader.at:]
            if kind == 1:
                yield 'header', stream, list(self.fields(payload))
            elif kind == 0 and payload:
                yield 'data', stream, payload

    def receive(self, seconds):
        for kind, stream, what in self.quic.receive(seconds):
            if kind == 'data':
                # the server's own streams say nothing that is needed
                if stream % 4 == 0:
                    yield from self.frames(stream, what)
            else:
                yield kind, stream, what


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
        end = time.time() + 30
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
