import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '#runtime/ports.ts';

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

/** A process that listens, and on which port: 0 chooses one. */
async function listen(port: number, mounts: readonly string[], login?: { user: string; password: string }) {
  const user = login === undefined ? [] : ['--user', login.user];
  const child = spawn('/usr/bin/python3', [SCRIPT, '--port', String(port), ...user, ...mounts], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin?.end(`${login?.password ?? ''}\n`);
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await once(lines, 'line')) as [string];
  return { child, port: (JSON.parse(line) as { port: number }).port };
}

/**
 * A GStreamer RTSP server on the loopback interface. Its viewers share a pipeline, so that they see the same picture at the same time; when two begin at once, release 1.22 sometimes aborts
 * (an assertion in `gst_rtsp_media_get_rates`): then it starts again on its port, as a camera does.
 */
export class RtspServer {
  readonly port: number;
  #child: ChildProcess;
  #stopped = false;

  private constructor(child: ChildProcess, port: number, again: () => Promise<ChildProcess>) {
    this.#child = child;
    this.port = port;
    this.#keepRunning(again);
  }

  #keepRunning(again: () => Promise<ChildProcess>): void {
    this.#child.once('exit', (_, signal) => {
      if (signal !== 'SIGABRT') return;
      void again().then((child) => {
        if (this.#stopped) child.kill('SIGKILL');
        this.#child = child;
        this.#keepRunning(again);
      });
    });
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
    // One that nobody is given for a connection between its end and its next start.
    const { port = await freePort(0), login, patterns = {} } = options;
    const drawn = Object.entries(patterns).map(([path, pattern]) => {
      const source = `videotestsrc is-live=true pattern=${pattern} ! video/x-raw,framerate=5/1,width=160,height=120`;
      return [path, `${source} ! videoconvert ! ${H264}`] as const;
    });
    const mounts = [...Object.entries(MOUNTS), ...drawn].flatMap(([path, pipeline]) => [
      '--mount',
      `${path}=${pipeline}`,
    ]);
    const { child, port: bound } = await listen(port, mounts, login);
    return new RtspServer(child, bound, async () => (await listen(bound, mounts, login)).child);
  }

  /** Freezes the process: connections stay open and say nothing more. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
