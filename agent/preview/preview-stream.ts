import Mpeg1Muxer from 'node-rtsp-stream/mpeg1muxer.js';
import type { MaskedFrame } from '../privacy/privacy-filter.ts';
import { inCleanEnvironment } from './clean-environment.ts';

/** Turns masked pictures into an MPEG-1 transport stream, by node-rtsp-stream's muxer fed on its standard input. */
export class PreviewStream {
  readonly #muxer: Mpeg1Muxer;
  readonly #viewers = new Set<(data: Uint8Array) => void>();
  #failed = false;

  constructor(ffmpegPath: string) {
    this.#muxer = inCleanEnvironment(
      () =>
        new Mpeg1Muxer({
          ffmpegPath,
          url: 'pipe:0',
          // MPEG-1 allows few frame rates; a width of 640 is enough to aim a camera.
          ffmpegOptions: { '-r': '25', '-vf': 'scale=640:-2', '-q:v': '6', '-loglevel': 'error' },
        }),
    );
    const { stream } = this.#muxer;
    const fail = () => {
      this.#failed = true;
    };
    stream.on('error', fail);
    stream.stdin.on('error', fail);
    stream.once('exit', fail);
    this.#muxer.on('mpeg1data', (data: Uint8Array) => {
      for (const viewer of this.#viewers) viewer(data);
    });
  }

  get failed(): boolean {
    return this.#failed;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Returns a function that leaves. */
  watch(viewer: (data: Uint8Array) => void): () => void {
    this.#viewers.add(viewer);
    return () => this.#viewers.delete(viewer);
  }

  /** Shows a picture; skipped while the muxer is still busy with earlier ones. */
  show(frame: MaskedFrame): void {
    const { stdin } = this.#muxer.stream;
    if (this.#failed || stdin.writableNeedDrain) return;
    stdin.write(`P6\n${frame.width} ${frame.height}\n255\n`);
    stdin.write(Buffer.from(frame.data)); // A copy: the frame goes on to encryption and its bytes may change hands.
  }

  close(): void {
    this.#muxer.stream.stdin.destroy();
    this.#muxer.stream.kill('SIGTERM');
  }
}
