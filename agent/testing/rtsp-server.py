"""A real RTSP server for tests: GStreamer pipelines on one port of the loopback interface.

Each --mount PATH=PIPELINE is a gst-launch description whose payloaders are named pay0, pay1, ...
With --user, the password is read from the first line of stdin and DESCRIBE needs digest authentication.
Prints one line of JSON when it listens.
"""

import argparse
import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402


def require_password(server, user, password):
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, user)
    auth.add_digest(user, password, token)
    server.set_auth(auth)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--user")
    parser.add_argument("--mount", action="append", default=[])
    arguments = parser.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(arguments.port)
    if arguments.user is not None:
        require_password(server, arguments.user, sys.stdin.readline().rstrip("\n"))
    for mount in arguments.mount:
        path, pipeline = mount.split("=", 1)
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch("( " + pipeline + " )")
        factory.set_shared(True)
        factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
        if arguments.user is not None:
            factory.add_role_from_structure(
                Gst.Structure.new_from_string(
                    arguments.user + ", media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
                )
            )
        server.get_mount_points().add_factory(path, factory)
    if server.attach(None) == 0:
        sys.exit("cannot listen on port " + arguments.port)
    print(json.dumps({"port": server.get_bound_port()}), flush=True)
    GLib.MainLoop().run()


main()
