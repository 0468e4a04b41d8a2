"""What is measured with: a steer server of one's own (in memory, on a free port of this machine, gone at the end), and
where the shared tools lie."""
import http.client, os, socket, subprocess, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SHARED = os.environ.get("STEER_SHARED") or os.path.join(os.path.dirname(TOP), "shared")


def tool(name):
    """The path of one of the shared tools."""
    return os.path.join(SHARED, "tools", name)


def reference_kubectl():
    """The path of the kubectl that everything is held against, which is fetched when it is not there."""
    return subprocess.run([tool("reference-kubectl")], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port, path="/readyz"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Server:
    """`with Server(binary) as server:` gives a server that is ready; `server.url` is its address."""

    def __init__(self, binary, arguments=(), pause=0.02):
        self.binary, self.arguments, self.pause = os.path.realpath(binary), list(arguments), pause

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="steer-server-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        env = {"HOME": self.folder.name, "PATH": os.environ["PATH"], "TZ": "UTC"}
        command = [self.binary, "serve", f"--insecure-port={self.port}", "--secure-port=0", *self.arguments]
        start = time.perf_counter()
        self.process = subprocess.Popen(command, env=env, cwd=self.folder.name, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT)
        while not answers(self.port):
            if self.process.poll() is not None or time.perf_counter() - start > 20:
                self.__exit__()
                raise SystemExit(f"{' '.join(command)} did not get ready:\n{self.said}")
            time.sleep(self.pause)
        self.ready_after = time.perf_counter() - start
        return self

    def resident(self):
        """The server's memory in MiB, as the kernel counts it now."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) / 1024

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.seek(0)
        self.said = self.log.read()
        self.log.close()
        self.folder.cleanup()
