"""A receiver of alerts that behaves as it is told."""
import http.server
import json
import ssl
import subprocess
import threading


class Listener:
    """behaviour: an HTTP status, "hang" or "redirect". received: [(headers, alert)]."""

    def __init__(self, behaviour=200, certificate=None):
        self.behaviour = behaviour
        self.received = []
        self.requests = 0
        self.ended = threading.Event()
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                listener.requests += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if listener.behaviour == "hang":
                    listener.ended.wait(60)
                    return
                if listener.behaviour == 200:
                    listener.received.append((dict(self.headers), json.loads(body)))
                self.send_response(302 if listener.behaviour == "redirect" else listener.behaviour)
                if listener.behaviour == "redirect":
                    self.send_header("Location", self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass    # a client that refuses our certificate

        self.server = Server(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path="/hook"):
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}{path}"

    def alerts(self, event=None):
        return [alert for _, alert in self.received if event in (None, alert["event"])]

    def states(self, event):
        return [alert["state"] for alert in self.alerts(event)]

    def close(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()


def self_signed(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem",
                    "-days", "2", "-subj", "/CN=alerts", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return folder
