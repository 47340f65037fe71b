declare module 'node-rtsp-stream/mpeg1muxer.js' {
  import type { ChildProcessWithoutNullStreams } from 'node:child_process';
  import type { EventEmitter } from 'node:events';

  /** Runs ffmpeg from `url` to MPEG-1 in a transport stream; emits `mpeg1data` with pieces of it. */
  export default class Mpeg1Muxer extends EventEmitter {
    constructor(options: {
      readonly url: string;
      readonly ffmpegPath: string;
      readonly ffmpegOptions?: Readonly<Record<string, string>>;
    });
    readonly stream: ChildProcessWithoutNullStreams;
  }
}
