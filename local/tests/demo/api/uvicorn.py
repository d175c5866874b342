"""Stands where the server would be: answers with what it was told."""

import json
import os
import socketserver
import sys
from http.server import BaseHTTPRequestHandler

NAMES = ("BETTER_AUTH_SECRET_ARN", "BETTER_AUTH_URL", "AUTH_API_URL", "CORS_ORIGINS", "DATABASE", "AWS_ENDPOINT_URL", "AWS_REGION")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({name: os.environ.get(name) for name in NAMES}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


port = int(sys.argv[sys.argv.index("--port") + 1])
Server(("localhost", port), Handler).serve_forever()
