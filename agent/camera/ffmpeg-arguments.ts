/** What one capture asks of ffmpeg. */
export type CaptureRequest = {
  /** URL with credentials. */
  readonly secretUrl: string;
  /** Longest silence of the socket, in milliseconds. */
  readonly timeoutMs: number;
  /** Pictures a second at most; ffmpeg drops the others before it converts them. */
  readonly rate: number;
};

/** Only what RTSP over TCP needs: a hostile playlist or redirect cannot reach files or other protocols. */
const PROTOCOLS = 'pipe,rtsp,rtp,tcp,udp,tls,crypto,data';
/** The same for what a stream may consist of. */
const FORMATS = 'concat,rtsp,rtp,sdp';
/** Decoders that cameras need; each of ffmpeg's hundreds of others is one that a hostile camera could have attacked. */
const DECODERS = 'h264,hevc,mjpeg,mpeg4';

/** What a capture process may use, whatever a camera sends. */
export type CaptureLimits = {
  /** Width times height of a picture. */
  readonly pixels: number;
  /** Address space of the process, in megabytes. */
  readonly memoryMegabytes: number;
};

/**
 * 8192 × 4320 pixels. ffmpeg 5.1 needs 453 MB of address space (203 MB of memory) for H.264 of 3840 × 2160 pixels with four reference pictures, and
 * 747 MB (497 MB) for 7680 × 4320 with one.
 */
export const CAPTURE_LIMITS: CaptureLimits = { pixels: 8192 * 4320, memoryMegabytes: 1024 };

/**
 * A command, for `/bin/sh`, that becomes the capture process with its limits: address space, no file of more than zero bytes (what it writes is a
 * pipe), no core dump, which would hold pictures and the password. The kernel holds them, so a decoder that was taken over does not lift them.
 */
export function confined(limits: CaptureLimits, command: readonly string[]): string[] {
  const script = `ulimit -c 0; ulimit -f 0; ulimit -v ${limits.memoryMegabytes * 1024}; exec "$@"`;
  return ['-c', script, 'sh', ...command];
}

/**
 * Arguments of the capture process. The same for every camera but for the rate: the address is read from standard
 * input, so that /proc/<pid>/cmdline and the environment hold no password.
 *
 * Pictures leave as PPM, whose header tells the size of each. Decoding uses one thread because frame threading
 * delays every picture by the number of threads; `select` keeps the first picture of each interval, where the
 * `fps` filter would hold one back.
 */
export function captureArguments(rate: number, { pixels }: CaptureLimits): string[] {
  const interval = (0.95 / rate).toFixed(4);
  const select = `select='isnan(t)+isnan(prev_selected_t)+gte(t-prev_selected_t,${interval})+lt(t,prev_selected_t)'`;
  return [
    ...['-hide_banner', '-nostats', '-nostdin', '-loglevel', 'level+warning'],
    ...['-fflags', 'nobuffer', '-flags', 'low_delay', '-fpsprobesize', '0', '-analyzeduration', '200000'],
    ...[
      '-threads',
      '1',
      '-max_pixels',
      String(pixels),
      '-codec_whitelist',
      DECODERS,
      '-format_whitelist',
      FORMATS,
    ],
    ...['-f', 'concat', '-safe', '0', '-protocol_whitelist', PROTOCOLS, '-i', 'pipe:0'],
    ...['-map', '0:v:0', '-an', '-sn', '-dn', '-vf', select, '-fps_mode', 'passthrough'],
    ...['-f', 'image2pipe', '-c:v', 'ppm', 'pipe:1'],
  ];
}

/** What is written into standard input: a playlist of one entry, the camera. */
export function captureScript(request: CaptureRequest): string {
  const quoted = request.secretUrl.replaceAll("'", "'\\''");
  return [
    'ffconcat version 1.0',
    `file '${quoted}'`,
    'option rtsp_transport tcp',
    `option timeout ${Math.round(request.timeoutMs * 1000)}`,
    'option fpsprobesize 0',
    'option analyzeduration 500000',
    'option fflags nobuffer',
    '',
  ].join('\n');
}
