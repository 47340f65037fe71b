"""A simulated camera: a clip in an endless loop over RTSP, in real time, as a camera would send it.

The clip's H.264 is sent as it is, RTP over TCP or UDP. Like a camera, it goes on while
nobody watches: whoever connects sees what is happening now, from the last key frame on.

    python3 camera.py CLIP.mp4 [--port N] [--path /name]

Prints one line of JSON, {"port": N}, when it listens on the loopback interface, and ends when its standard input closes, so that
it cannot outlive the process that started it.
"""

import argparse
import json
import os
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtspServer  # noqa: E402, F401

STREAM = "video/x-h264,stream-format=byte-stream,alignment=au"


class Clip:
    """The access units of a clip in decoding order. Times are nanoseconds from its beginning."""

    def __init__(self, path):
        pipeline = Gst.parse_launch(
            f"filesrc name=file ! qtdemux ! h264parse config-interval=-1 ! {STREAM} ! appsink name=out sync=false"
        )
        pipeline.get_by_name("file").set_property("location", path)
        pipeline.set_state(Gst.State.PLAYING)
        sink = pipeline.get_by_name("out")
        self.units = []
        error = None
        while error is None and not sink.is_eos():
            sample = sink.try_pull_sample(100 * Gst.MSECOND)
            if sample is not None:
                self.units.append(sample.get_buffer())
                self.caps = sample.get_caps()
            error = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        pipeline.set_state(Gst.State.NULL)
        if error is not None:
            raise SystemExit(f"camera: {path}: {error.parse_error().gerror.message}")
        if not self.units:
            raise SystemExit(f"camera: no H.264 video in {path}")
        # The sending times are evenly spaced; presentation may be later, and in another order where there are B frames.
        self.period = self.units[0].duration
        self.duration = self.period * len(self.units)

    def key_unit_before(self, index):
        while index > 0 and self.units[index % len(self.units)].has_flags(Gst.BufferFlags.DELTA_UNIT):
            index -= 1
        return index

    def unit(self, index, start):
        """Unit `index` of the endless stream, with times relative to unit `start`."""
        turn, place = divmod(index, len(self.units))
        source = self.units[place]
        # Not copy(): from Python it only adds a reference, and the times of the clip itself would change.
        unit = source.copy_deep()
        offset = turn * self.duration - start * self.period
        unit.dts = source.dts + offset
        unit.pts = source.pts + offset
        unit.duration = self.period
        return unit


class Transmission:
    """Feeds one RTSP media (all clients share it) until its pipeline goes away."""

    def __init__(self, clip, source, index):
        self.clip = clip
        self.source = source
        self.start = self.next = clip.key_unit_before(index)
        # The key frame and what followed it are sent at once, so that a picture is there at once; then one a period.
        self.began = time.monotonic_ns() - (index - self.start) * clip.period
        self.timer = GLib.timeout_add(max(5, clip.period // 4_000_000), self.send_due)
        self.send_due()

    def send_due(self):
        due = self.start + (time.monotonic_ns() - self.began) // self.clip.period
        while self.next <= due:
            if self.source.emit("push-buffer", self.clip.unit(self.next, self.start)) != Gst.FlowReturn.OK:
                return GLib.SOURCE_REMOVE
            self.next += 1
        return GLib.SOURCE_CONTINUE

    def stop(self):
        source = GLib.MainContext.default().find_source_by_id(self.timer)
        if source is not None:
            source.destroy()


def serve(clip, path, port):
    """Attaches a server to the main loop and returns the port that it listens on."""
    born = time.monotonic_ns()

    def configure(_factory, media):
        source = media.get_element().get_by_name_recurse_up("clip")
        source.set_property("caps", clip.caps)
        index = (time.monotonic_ns() - born) // clip.period
        transmission = Transmission(clip, source, index)
        media.connect("unprepared", lambda _media: transmission.stop())

    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        "( appsrc name=clip is-live=true format=time max-bytes=8000000 ! h264parse ! "
        "rtph264pay name=pay0 pt=96 config-interval=-1 )"
    )
    factory.set_shared(True)
    factory.set_latency(0)
    factory.connect("media-configure", configure)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    server.get_mount_points().add_factory(path, factory)
    if server.attach(None) == 0:
        raise SystemExit(f"camera: cannot listen on 127.0.0.1:{port}")
    return server, server.get_bound_port()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--path", default="/counter")
    arguments = parser.parse_args()
    Gst.init(None)
    _server, port = serve(Clip(arguments.clip), arguments.path, arguments.port)
    print(json.dumps({"port": port}), flush=True)
    loop = GLib.MainLoop()

    def parent_speaks(_fd, _condition):
        if os.read(0, 4096) == b"":
            loop.quit()
            return GLib.SOURCE_REMOVE
        return GLib.SOURCE_CONTINUE

    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, 0, GLib.IOCondition.IN | GLib.IOCondition.HUP, parent_speaks)
    for signal in (2, 15):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal, loop.quit)
    loop.run()


if __name__ == "__main__":
    sys.exit(main())
