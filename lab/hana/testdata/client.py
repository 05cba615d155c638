"""A small client of HANA's SQL Command Network Protocol, for one test.

Written from the published reference alone and in another language than the
server, so that no mistake is shared with it or with SAP's Go driver. It offers
one method of login only, sends no client context and no client ID, and writes
in small pieces. Standard input: host, port, user, password, then one query per
line. Prints one line of JSON for each answer.
"""
import hashlib
import hmac
import json
import os
import socket
import struct
import sys

EXECUTE, AUTHENTICATE, CONNECT, DISCONNECT, DBCONNECTINFO, FETCH = 2, 65, 66, 77, 82, 71


def field(data):
    assert len(data) <= 245
    return bytes([len(data)]) + data


def fields(*values):
    return struct.pack("<h", len(values)) + b"".join(field(v) for v in values)


def part(kind, data, count=1):
    head = struct.pack("<bbhiii", kind, 0, count, 0, len(data), 1 << 16)
    return head + data + b"\0" * (-len(data) % 8)


def split(data):
    """Reads length-prefixed fields of a reply."""
    count, at, out = struct.unpack_from("<h", data)[0], 2, []
    for _ in range(count):
        size, at = data[at], at + 1
        if size == 255:
            size, at = struct.unpack_from(">H", data, at)[0], at + 2
        out.append(data[at:at + size])
        at += size
    return out


class Client:
    def __init__(self, host, port):
        self.sock = socket.create_connection((host, port), 20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.session, self.packet = -1, 0
        self.send(b"\xff\xff\xff\xff" + struct.pack("<bhbhb", 4, 20, 4, 1, 0) + bytes([1, 1, 1]))
        self.take(8)

    def send(self, data):
        for i in range(0, len(data), 7):
            self.sock.sendall(data[i:i + 7])

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise EOFError("the server left")
            data += more
        return data

    def ask(self, kind, *parts):
        body = b"".join(parts)
        length = 24 + len(body)
        segment = struct.pack("<iihhbbbb8x", length, 0, len(parts), 1, 1, kind, 1, 0)
        self.send(struct.pack("<qiIIh10x", self.session, self.packet, length, 1 << 17, 1) + segment + body)
        self.packet += 1
        if kind == DISCONNECT:
            return {}
        head = self.take(32)
        self.session, _, size, _, segments = struct.unpack("<qiIIh10x", head)
        data = self.take(size)
        assert segments == 1, segments
        count, = struct.unpack_from("<h", data, 8)
        segment_kind, = struct.unpack_from("<b", data, 12)
        found, at = {}, 24
        for _ in range(count):
            what, attributes, args, big, used, _ = struct.unpack_from("<bbhiii", data, at)
            found[what] = (attributes, big if args == -1 else args, data[at + 16:at + 16 + used])
            at += 16 + used + (-used % 8)
        if segment_kind == 5:
            error = found[6][2]
            code, _, size = struct.unpack_from("<iii", error)
            raise RuntimeError("%d %s" % (code, error[18:18 + size].decode()))
        return found

    def login(self, user, password):
        mine = os.urandom(64)
        got = self.ask(AUTHENTICATE, part(33, fields(user, b"SCRAMSHA256", mine)))
        method, rest = split(got[33][2])
        assert method == b"SCRAMSHA256", method
        salt, theirs = split(rest)
        key = hashlib.sha256(hmac.new(password, salt, hashlib.sha256).digest()).digest()
        signature = hmac.new(hashlib.sha256(key).digest(), salt + theirs + mine, hashlib.sha256).digest()
        proof = bytes(a ^ b for a, b in zip(key, signature))
        options = struct.pack("<bbi", 23, 3, 8)  # data format version 8
        self.ask(CONNECT, part(33, fields(user, method, fields(proof))), part(42, options))
        assert self.session > 0, self.session

    def where(self, database):
        """Asks, without a login, where a database is."""
        data = struct.pack("<bbh", 1, 0x1D, len(database)) + database
        got = self.ask(DBCONNECTINFO, part(67, data))[67][2]
        size, = struct.unpack_from("<h", got, 2)
        host = got[4:4 + size].decode()
        port, = struct.unpack_from("<i", got, 4 + size + 2)
        return [host, port]

    def query(self, text):
        got = self.ask(EXECUTE, part(3, text))
        if 48 not in got:
            return struct.unpack("<i", got[12][2])[0]
        types = [got[48][2][24 * i + 1] for i in range(got[48][1])]
        rows = self.rows(types, got[5])
        while not got[5][0] & 1:  # not the last packet
            got.update(self.ask(FETCH, part(13, got[13][2]), part(45, struct.pack("<i", 3))))
            rows += self.rows(types, got[5])
        return rows

    def rows(self, types, result):
        _, count, data = result
        at, out = 0, []
        for _ in range(count):
            row = []
            for kind in types:
                value, at = self.value(kind, data, at)
                row.append(value)
            out.append(row)
        return out

    @staticmethod
    def value(kind, data, at):
        if kind in (1, 2, 3, 4):
            size = {1: 1, 2: 2, 3: 4, 4: 8}[kind]
            if data[at] == 0:
                return None, at + 1
            return int.from_bytes(data[at + 1:at + 1 + size], "little", signed=kind > 1), at + 1 + size
        if kind in (8, 9, 10, 11):
            size, at = data[at], at + 1
            if size == 255:
                return None, at
            if size == 246:
                size, at = struct.unpack_from("<h", data, at)[0], at + 2
            elif size == 247:
                size, at = struct.unpack_from("<i", data, at)[0], at + 4
            return data[at:at + size].decode(), at + size
        raise ValueError("type %d is not read by this client" % kind)


def main():
    host, port, user, password, *queries = sys.stdin.read().split("\n")
    try:
        asked = Client(host, int(port))
        print(json.dumps(asked.where(b"DRT")))
        asked.ask(DISCONNECT)
        client = Client(host, int(port))
        client.login(user.encode(), password.encode())
        for text in queries:
            if text:
                print(json.dumps(client.query(text.encode())))
        client.ask(DISCONNECT)
    except RuntimeError as error:
        print(json.dumps(str(error)))


main()
