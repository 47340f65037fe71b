import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./rtsp-server.py', import.meta.url));

const H264 = 'openh264enc gop-size=5 complexity=low ! rtph264pay name=pay0 pt=96 config-interval=1';
const HALVES = [
  'videotestsrc is-live=true pattern=black ! video/x-raw,framerate=10/1,width=80,height=120',
  'videobox right=-80 fill=white ! videoconvert ! video/x-raw,width=160',
].join(' ! ');
const SOURCE = 'videotestsrc is-live=true pattern=ball ! video/x-raw,framerate=10/1';

/** Streams of the test server by path. */
export const MOUNTS = {
  '/live': `${SOURCE},width=160,height=120 ! ${H264}`,
  /** Dark on the left, bright on the right. */
  '/halves': `${HALVES} ! ${H264}`,
  /** Motion JPEG, as older cameras send it. */
  '/jpeg': `${SOURCE},width=168,height=120,format=I420 ! jpegenc ! rtpjpegpay name=pay0 pt=26`,
  /** A decoder that no camera needs. */
  '/vp8': `${SOURCE},width=321,height=241 ! vp8enc deadline=1 keyframe-max-dist=5 ! rtpvp8pay name=pay0 pt=96`,
  '/sound-too': `${SOURCE},width=160,height=120 ! ${H264} audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1 pt=8`,
  '/audio': 'audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8',
} as const;

/** A GStreamer RTSP server on the loopback interface. */
export class RtspServer {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /**
   * @param patterns more streams: what `videotestsrc` draws, by path
   * @param login asks viewers for this user and password
   */
  static async start(
    options: {
      port?: number;
      login?: { user: string; password: string };
      patterns?: Readonly<Record<string, string>>;
    } = {},
  ) {
    const { port, login, patterns = {} } = options;
    const drawn = Object.entries(patterns).map(([path, pattern]) => {
      const source = `videotestsrc is-live=true pattern=${pattern} ! video/x-raw,framerate=5/1,width=160,height=120`;
      return [path, `${source} ! videoconvert ! ${H264}`] as const;
    });
    const child = spawn(
      '/usr/bin/python3',
      [
        SCRIPT,
        ...['--port', String(port ?? 0)],
        ...(login === undefined ? [] : ['--user', login.user]),
        ...[...Object.entries(MOUNTS), ...drawn].flatMap(([path, pipeline]) => [
          '--mount',
          `${path}=${pipeline}`,
        ]),
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    child.stdin?.end(`${login?.password ?? ''}\n`);
    const lines = createInterface({ input: child.stdout! });
    const [line] = (await once(lines, 'line')) as [string];
    return new RtspServer(child, (JSON.parse(line) as { port: number }).port);
  }

  /** Freezes the process: connections stay open and say nothing more. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
