# Copyright (C) the ngx_http_schema1_module authors

# QUIC version 1 (RFC 9000, 9001, 9002) with TLS 1.3 (RFC 8446), as much of it
# as a client of the tests needs: one cipher suite, x25519, no migration, no key
# update, no congestion control.  The server's certificate is not verified.
#
#     quic = Connection(('127.0.0.1', port), alpn, window)
#     stream = quic.open(data, end)       # bidirectional
#     for kind, stream, what in quic.receive(seconds):
#         # 'data' with bytes, 'end', 'reset' with a code, 'closed'

import hashlib
import hmac
import os
import select
import socket
import struct
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# some versions require it, newer ones ignore it
from cryptography.hazmat.backends import default_backend

INITIAL, HANDSHAKE, APPLICATION = 0, 1, 2
VERSION = 1
SALT = bytes.fromhex('38762cf7f55934b34d179ae6a4c80cadccbb7f0a')
RESEND = 0.5            # seconds without an acknowledgement


def varint(number):
    if number < 1 << 6:
        return struct.pack('>B', number)
    if number < 1 << 14:
        return struct.pack('>H', number | 1 << 14)
    if number < 1 << 30:
        return struct.pack('>I', number | 2 << 30)
    return struct.pack('>Q', number | 3 << 62)


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        if size > self.left():
            raise ValueError('truncated')
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), 'big')

    def varint(self):
        size = 1 << (self.data[self.at] >> 6)
        return self.number(size) & (1 << 8 * size - 2) - 1


def expand(secret, label, size, context=b''):
    label = b'tls13 ' + label
    info = (struct.pack('>HB', size, len(label)) + label
            + struct.pack('>B', len(context)) + context)
    return hmac.new(secret, info + b'\1', hashlib.sha256).digest()[:size]


def extract(salt, secret):
    return hmac.new(salt, secret, hashlib.sha256).digest()


class Keys:
    """Protection of packets in one direction (RFC 9001, 5)."""

    def __init__(self, secret):
        self.aead = AESGCM(expand(secret, b'quic key', 16))
        self.iv = expand(secret, b'quic iv', 12)
        self.mask = Cipher(algorithms.AES(expand(secret, b'quic hp', 16)),
                           modes.ECB(), default_backend()).encryptor()

    def nonce(self, number):
        return bytes(a ^ b for a, b in zip(self.iv,
                                           number.to_bytes(12, 'big')))

    def protect(self, header, number, payload):
        sealed = self.aead.encrypt(self.nonce(number), payload, header)
        mask = self.mask.update(sealed[:16])
        header = bytearray(header)
        header[0] ^= mask[0] & (0x0f if header[0] & 0x80 else 0x1f)
        for i in range(4):
            header[-4 + i] ^= mask[1 + i]
        return bytes(header) + sealed

    def unprotect(self, packet, at, expected):
        """The packet's number and payload; "at" is where the number starts."""
        mask = self.mask.update(packet[at + 4:at + 20])
        first = packet[0] ^ mask[0] & (0x0f if packet[0] & 0x80 else 0x1f)
        size = (first & 3) + 1
        number = bytes(a ^ b for a, b in zip(packet[at:at + size], mask[1:]))
        header = bytes([first]) + packet[1:at] + number
        number = int.from_bytes(number, 'big')

        # RFC 9000, A.3
        window = 1 << 8 * size
        number |= expected & ~(window - 1)
        if number <= expected - window // 2:
            number += window
        elif number > expected + window // 2 and number >= window:
            number -= window

        return number, self.aead.decrypt(self.nonce(number), packet[at + size:],
                                         header)


class Space:
    """What is apart for each encryption level."""

    def __init__(self):
        self.read = self.write = None       # Keys
        self.next = 0                       # packet number
        self.sent = {}                      # number -> (time, frames)
        self.queue = []                     # frames
        self.ranges = []                    # received, [first, last] descending
        self.owed = False                   # an acknowledgement
        self.crypto = Assembly()
        self.crypto_sent = 0

    def received(self, number):
        """False if it was received before."""
        for i, (first, last) in enumerate(self.ranges):
            if first <= number <= last:
                return False
            if number > last:
                self.ranges.insert(i, [number, number])
                break
        else:
            self.ranges.append([number, number])

        merged = []
        for first, last in self.ranges:
            if merged and last + 1 >= merged[-1][0]:
                merged[-1][0] = first
            else:
                merged.append([first, last])
        self.ranges = merged[:64]
        return True

    def ack(self):
        (first, last), rest = self.ranges[0], self.ranges[1:]
        frame = (b'\x02' + varint(last) + varint(0) + varint(len(rest))
                 + varint(last - first))
        for low, high in rest:
            frame += varint(first - high - 2) + varint(high - low)
            first = low
        return frame


class Assembly:
    """A stream of bytes that come in any order."""

    def __init__(self):
        self.at = 0
        self.parts = {}
        self.end = None

    def put(self, offset, data):
        """What can be read now."""
        if offset + len(data) > self.at:
            if len(data) > len(self.parts.get(offset, b'')):
                self.parts[offset] = data

        said = b''
        while True:
            ready = [o for o in self.parts if o <= self.at]
            if not ready:
                return said
            for o in ready:
                part = self.parts.pop(o)[self.at - o:]
                said += part
                self.at += len(part)

    def done(self):
        return self.end is not None and self.at >= self.end


class Connection:
    def __init__(self, peer, alpn, window=0):
        self.peer = peer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(('127.0.0.1', 0))
        self.local = os.urandom(8)
        self.remote = os.urandom(8)
        self.spaces = [Space() for _ in range(3)]
        self.streams = {}                   # received: ID -> Assembly
        self.sizes = {}                     # sent: ID -> bytes
        self.ended = set()
        self.events = []
        self.confirmed = self.closed = False

        secret = extract(SALT, self.remote)
        initial = self.spaces[INITIAL]
        initial.write = Keys(expand(secret, b'client in', 32))
        initial.read = Keys(expand(secret, b'server in', 32))

        self.key = x25519.X25519PrivateKey.generate()
        self.transcript = hashlib.sha256()
        self.hello(alpn, window)
        self.flush()

        end = time.time() + 10
        while not self.confirmed and not self.closed and time.time() < end:
            self.events += list(self.receive(0.05))

    # TLS

    def hello(self, alpn, window):
        public = self.key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)

        def vector(size, data):
            return len(data).to_bytes(size, 'big') + data

        def extension(kind, data):
            return struct.pack('>H', kind) + vector(2, data)

        parameters = b''
        for kind, value in ((0x01, 60000),              # max_idle_timeout
                            (0x04, 1 << 30),            # max_data
                            (0x05, window or 1 << 30),  # of a stream
                            (0x07, 1 << 20),            # unidirectional
                            (0x09, 16)):                # so many of these
            value = varint(value)
            parameters += varint(kind) + varint(len(value)) + value
        parameters += varint(0x0f) + varint(len(self.local)) + self.local

        name = b'localhost'
        extensions = (
            extension(0, vector(2, b'\0' + vector(2, name)))
            + extension(10, vector(2, b'\x00\x1d'))     # x25519
            + extension(13, vector(2, bytes.fromhex('0403080405030603')))
            + extension(16, vector(2, vector(1, alpn)))
            + extension(43, vector(1, b'\x03\x04'))     # TLS 1.3
            + extension(51, vector(2, b'\x00\x1d' + vector(2, public)))
            + extension(57, parameters))

        body = (b'\x03\x03' + os.urandom(32) + vector(1, b'')
                + vector(2, b'\x13\x01')                # AES-128-GCM, SHA-256
                + vector(1, b'\0') + vector(2, extensions))
        self.say(INITIAL, b'\x01' + vector(3, body))

    def say(self, level, message):
        self.transcript.update(message)
        space = self.spaces[level]
        space.queue.append(b'\x06' + varint(space.crypto_sent)
                           + varint(len(message)) + message)
        space.crypto_sent += len(message)

    def heard(self, level, data):
        space = self.spaces[level]
        space.message = getattr(space, 'message', b'') + data

        while len(space.message) >= 4:
            size = 4 + int.from_bytes(space.message[1:4], 'big')
            if len(space.message) < size:
                return
            message, space.message = space.message[:size], space.message[size:]

            if message[0] == 20:
                self.finish(message)
            elif level != APPLICATION:
                self.transcript.update(message)
                if message[0] == 2:
                    self.agree(message)

    def agree(self, message):
        reader = Reader(message)
        reader.take(4 + 2 + 32)
        reader.take(reader.number(1) + 3)
        reader.number(2)
        shared = None

        while reader.left():
            kind, data = reader.number(2), Reader(reader.take(reader.number(2)))
            if kind == 51:
                data.number(2)
                peer = data.take(data.number(2))
                shared = self.key.exchange(
                    x25519.X25519PublicKey.from_public_bytes(peer))

        empty = hashlib.sha256().digest()
        early = extract(bytes(32), bytes(32))
        secret = extract(expand(early, b'derived', 32, empty), shared)
        self.handshake_secret = secret

        said = self.transcript.digest()
        self.client_secret = expand(secret, b'c hs traffic', 32, said)
        self.server_secret = expand(secret, b's hs traffic', 32, said)
        self.spaces[HANDSHAKE].write = Keys(self.client_secret)
        self.spaces[HANDSHAKE].read = Keys(self.server_secret)

    def finish(self, message):
        def verify(secret):
            return hmac.new(expand(secret, b'finished', 32),
                            self.transcript.digest(), hashlib.sha256).digest()

        if message[4:] != verify(self.server_secret):
            raise ValueError('the server\'s Finished is wrong')

        self.transcript.update(message)
        empty = hashlib.sha256().digest()
        master = extract(expand(self.handshake_secret, b'derived', 32, empty),
                         bytes(32))
        said = self.transcript.digest()
        space = self.spaces[APPLICATION]
        space.write = Keys(expand(master, b'c ap traffic', 32, said))
        space.read = Keys(expand(master, b's ap traffic', 32, said))

        self.say(HANDSHAKE, b'\x14\0\0\x20' + verify(self.client_secret))

    # packets

    def packet(self, level, frames):
        space = self.spaces[level]
        payload = b''.join(frames)
        number = space.next
        space.next += 1

        if level == INITIAL:
            payload = payload.ljust(1180, b'\0')
        payload = payload.ljust(4, b'\0')

        if level == APPLICATION:
            header = b'\x43' + self.remote
        else:
            header = (bytes([0xc3 | level << 5]) + struct.pack('>I', VERSION)
                      + bytes([len(self.remote)]) + self.remote
                      + bytes([len(self.local)]) + self.local)
            if level == INITIAL:
                header += varint(0)
            header += struct.pack('>H', 1 << 14 | len(payload) + 4 + 16)

        header += struct.pack('>I', number)
        return number, space.write.protect(header, number, payload)

    def flush(self):
        now = time.time()

        for level, space in enumerate(self.spaces):
            if space.write is None:
                continue

            for number, (sent, frames) in list(space.sent.items()):
                if sent + RESEND <= now:
                    space.queue = frames + space.queue
                    del space.sent[number]

            while space.queue or space.owed:
                frames = []
                size = 0
                while space.queue and (not frames
                                       or size + len(space.queue[0]) < 1100):
                    size += len(space.queue[0])
                    frames.append(space.queue.pop(0))

                ack = [space.ack()] if space.owed else []
                space.owed = False
                number, packet = self.packet(level, ack + frames)
                if frames:
                    space.sent[number] = (now, frames)
                self.send(packet)

    def send(self, packet):
        try:
            self.socket.sendto(packet, self.peer)
        except OSError:
            pass

    def receive(self, seconds):
        """Yields what happens within so many seconds, or sooner."""
        if self.events:
            seconds = 0

        yield from self.events
        self.events = []

        times = [sent for space in self.spaces for sent, _ in
                 space.sent.values()]
        if times:
            seconds = min(seconds, min(times) + RESEND - time.time())

        if self.closed:
            time.sleep(max(seconds, 0))
            return

        select.select([self.socket], [], [], max(seconds, 0))

        while True:
            try:
                datagram = self.socket.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:
                self.closed = True
                yield 'closed', None, None
                return
            yield from self.datagram(datagram)

        if not self.closed:
            self.flush()

    def datagram(self, datagram):
        while datagram and datagram[0] & 0x40 and not self.closed:
            reader = Reader(datagram)
            first = reader.number(1)

            if first & 0x80:
                reader.number(4)
                reader.take(reader.number(1))
                source = reader.take(reader.number(1))
                level = {0: INITIAL, 2: HANDSHAKE}.get(first >> 4 & 3)
                if level is None:
                    return
                if level == INITIAL:
                    reader.take(reader.varint())
                    self.remote = source
                size = reader.varint()
                end = reader.at + size

            else:
                reader.take(len(self.local))
                level, end = APPLICATION, len(datagram)

            space = self.spaces[level]
            packet, datagram = datagram[:end], datagram[end:]

            if space.read is None:
                continue

            expected = space.ranges[0][1] + 1 if space.ranges else 0
            try:
                number, payload = space.read.unprotect(packet, reader.at,
                                                       expected)
            except Exception:
                # a packet of somebody else, or one that was damaged
                continue

            if space.received(number):
                yield from self.frames(level, Reader(payload))

    # frames

    def frames(self, level, reader):
        space = self.spaces[level]

        while reader.left():
            kind = reader.varint()

            if kind not in (0x00, 0x02, 0x03, 0x1c, 0x1d):
                space.owed = True

            if kind in (0x00, 0x01):
                continue

            if kind in (0x02, 0x03):
                self.acknowledged(space, reader, kind == 0x03)

            elif kind == 0x04:
                stream, code, _ = (reader.varint() for _ in range(3))
                self.ended.add(stream)
                yield 'reset', stream, code

            elif kind == 0x06:
                offset = reader.varint()
                self.heard(level, space.crypto.put(
                    offset, reader.take(reader.varint())))

            elif kind == 0x07:
                reader.take(reader.varint())

            elif 0x08 <= kind <= 0x0f:
                yield from self.stream(reader, kind)

            elif kind == 0x18:
                reader.varint()
                reader.varint()
                reader.take(reader.number(1) + 16)

            elif kind in (0x1a, 0x1b):
                data = reader.take(8)
                if kind == 0x1a:
                    space.queue.append(b'\x1b' + data)

            elif kind in (0x1c, 0x1d):
                self.closed = True
                yield 'closed', None, None
                return

            elif kind == 0x1e:
                self.confirmed = True
                for early in self.spaces[:APPLICATION]:
                    early.read = early.write = None
                    early.sent = {}

            elif kind in (0x05, 0x11, 0x15):
                reader.varint()
                reader.varint()

            elif kind in (0x10, 0x12, 0x13, 0x14, 0x16, 0x17, 0x19):
                reader.varint()

            else:
                raise ValueError('frame %#x' % kind)

    def acknowledged(self, space, reader, counts):
        last, _, count, size = (reader.varint() for _ in range(4))

        for i in range(count + 1):
            for number in [n for n in space.sent if last - size <= n <= last]:
                del space.sent[number]
            if i < count:
                last -= size + reader.varint() + 2
                size = reader.varint()

        if counts:
            for _ in range(3):
                reader.varint()

    def stream(self, reader, kind):
        stream = reader.varint()
        offset = reader.varint() if kind & 0x04 else 0
        data = reader.take(reader.varint() if kind & 0x02 else reader.left())
        assembly = self.streams.setdefault(stream, Assembly())

        if kind & 0x01:
            assembly.end = offset + len(data)

        data = assembly.put(offset, data)
        if data:
            yield 'data', stream, data
        if assembly.done() and stream not in self.ended:
            self.ended.add(stream)
            yield 'end', stream, None

    # what a client does

    def open(self, data, end):
        stream = 4 * sum(1 for s in self.sizes if s % 4 == 0)
        self.write(stream, data, end)
        return stream

    def write(self, stream, data, end=False):
        offset = self.sizes.get(stream, 0)
        self.sizes[stream] = offset + len(data)
        self.spaces[APPLICATION].queue.append(
            bytes([0x0e | end]) + varint(stream) + varint(offset)
            + varint(len(data)) + data)

    def reset(self, stream, code):
        self.spaces[APPLICATION].queue.append(
            b'\x04' + varint(stream) + varint(code)
            + varint(self.sizes[stream]))

    def stop(self, stream, code):
        self.spaces[APPLICATION].queue.append(
            b'\x05' + varint(stream) + varint(code))

    def close(self, code):
        self.flush()
        _, packet = self.packet(APPLICATION, [b'\x1d' + varint(code)
                                              + varint(0)])
        self.send(packet)
        self.vanish()

    def vanish(self):
        self.closed = True
        self.socket.close()
