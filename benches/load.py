"""What the server bears: creates per second, long lists, many watchers. The load comes from processes of this program,
which share the machine's cores with the server."""
import json, os, select, socket, statistics, sys, time

MAPS = "/api/v1/namespaces/default/configmaps"


class Connection:
    """One HTTP/1.1 connection, spoken to by hand so that the client costs little."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, method, path, body=b"", accept="application/json"):
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)

    def until(self, mark):
        while mark not in self.buffer:
            more = self.socket.recv(1 << 16)
            if not more:
                raise SystemExit("the server closed a connection")
            self.buffer += more
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def exactly(self, length):
        while len(self.buffer) < length:
            more = self.socket.recv(1 << 20)
            if not more:
                raise SystemExit("the server closed a connection")
            self.buffer += more
        found, self.buffer = self.buffer[:length], self.buffer[length:]
        return found

    def answer(self):
        """The status and how many bytes the body has."""
        head = self.until(b"\r\n\r\n").lower()
        status = int(head.split(b" ", 2)[1])
        if b"transfer-encoding: chunked" not in head:
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            self.exactly(length)
            return status, length
        total = 0
        while length := int(self.until(b"\r\n"), 16):
            total += len(self.exactly(length))
            self.exactly(2)
        self.exactly(2)
        return status, total


def config_map(name):
    return json.dumps({"metadata": {"name": name, "labels": {"set": "load"}}, "data": {"text": "x" * 200}}).encode()


def creates(port, connections, each, tag):
    """Config maps made per second over so many connections, each a process of its own."""
    start_reading, start_writing = os.pipe()
    children = []
    for number in range(connections):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                bodies = [config_map(f"{tag}-{number}-{n}") for n in range(each)]
                connection = Connection(port)
                os.close(start_writing)
                os.read(start_reading, 1)
                for body in bodies:
                    connection.send("POST", MAPS, body)
                    made, _ = connection.answer()
                    if made != 201:
                        raise SystemExit(f"a create was answered with {made}")
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    os.close(start_reading)
    time.sleep(0.3)
    start = time.perf_counter()
    os.close(start_writing)
    ended = [os.waitpid(pid, 0)[1] for pid in children]
    seconds = time.perf_counter() - start
    if any(ended):
        raise SystemExit("a process that creates failed")
    return connections * each / seconds


def lists(port, path, accept, runs):
    """Milliseconds and MiB of a list."""
    connection = Connection(port)
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        connection.send("GET", path, accept=accept)
        status, length = connection.answer()
        times.append(1000 * (time.perf_counter() - start))
        if status != 200:
            raise SystemExit(f"GET {path}: {status}")
    return statistics.median(times[1:]), length / 2**20


def watchers(port, count, events):
    """Seconds from the first create until every watcher has got every event."""
    sockets, received = {}, {}
    poll = select.epoll()
    for _ in range(count):
        connection = Connection(port)
        connection.send("GET", MAPS + "?watch=1&labelSelector=set%3Dload&timeoutSeconds=600&sendInitialEvents=false"
                        "&resourceVersionMatch=NotOlderThan")
        connection.until(b"\r\n\r\n")
        number = connection.socket.fileno()
        sockets[number], received[number] = connection.socket, 0
        poll.register(number, select.EPOLLIN)
    mark = b'"type":"ADDED"'
    tails = dict.fromkeys(sockets, b"")
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            writer = Connection(port)
            for n in range(events):
                writer.send("POST", MAPS, config_map(f"watched-{n}"))
                writer.answer()
            status = 0
        finally:
            os._exit(status)
    left = count
    while left:
        for number, _ in poll.poll(60) or sys.exit("a watcher did not get all events"):
            data = tails[number] + sockets[number].recv(1 << 18)
            received[number] += data.count(mark)
            # A mark may be cut in two; a whole one is not counted again.
            tails[number] = data[-(len(mark) - 1):]
            if received[number] == events:
                left -= 1
                poll.unregister(number)
    seconds = time.perf_counter() - start
    if os.waitpid(pid, 0)[1]:
        raise SystemExit("the process that creates failed")
    for one in sockets.values():
        one.close()
    return seconds
