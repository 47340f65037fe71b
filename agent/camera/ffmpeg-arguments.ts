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

/**
 * Arguments of the capture process. The same for every camera but for the rate: the address is read from standard
 * input, so that /proc/<pid>/cmdline and the environment hold no password.
 *
 * Pictures leave as PPM, whose header tells the size of each. Decoding uses one thread because frame threading
 * delays every picture by the number of threads; `select` keeps the first picture of each interval, where the
 * `fps` filter would hold one back.
 */
export function captureArguments(rate: number): string[] {
  const interval = (0.95 / rate).toFixed(4);
  const select = `select='isnan(t)+isnan(prev_selected_t)+gte(t-prev_selected_t,${interval})+lt(t,prev_selected_t)'`;
  return [
    ...['-hide_banner', '-nostats', '-nostdin', '-loglevel', 'level+warning'],
    ...['-fflags', 'nobuffer', '-flags', 'low_delay', '-fpsprobesize', '0', '-analyzeduration', '200000'],
    ...['-threads', '1'],
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
