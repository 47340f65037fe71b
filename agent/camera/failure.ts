import type { CameraState } from '#protocol/messages.ts';

/** Why a camera sends no pictures: a state of the contract and a sentence for the operator. */
export type CameraFailure = { readonly state: CameraState['state']; readonly detail: string };

type Rule = {
  readonly pattern: RegExp;
  readonly state: CameraState['state'];
  readonly detail: (address: string) => string;
};

/** What ffmpeg reports, most certain first: the first match wins. */
const RULES: readonly Rule[] = [
  {
    pattern: /\b401\b|authorization failed/i,
    state: 'unauthorized',
    detail: (address) => `${address} rejects this user name or password (401)`,
  },
  {
    pattern: /\b403\b/,
    state: 'unauthorized',
    detail: (address) => `${address} does not allow this user to watch the stream (403)`,
  },
  {
    pattern: /\b404\b/,
    state: 'not-found',
    detail: (address) => `${address}: the camera has no stream at this path (404)`,
  },
  {
    pattern: /\b(453|503)\b|Not Enough Bandwidth|Service Unavailable/,
    state: 'refused',
    detail: (address) => `${address}: the camera already has too many viewers, or is not ready`,
  },
  {
    pattern: /Connection refused/,
    state: 'refused',
    detail: (address) => `nothing listens at ${address} (connection refused)`,
  },
  {
    pattern: /No route to host|Network is unreachable|Host is (down|unreachable)/,
    state: 'unreachable',
    detail: (address) => `${address}: no route to the camera; is it on, and on this network?`,
  },
  {
    pattern: /resolve hostname|Name or service not known|name resolution/i,
    state: 'unreachable',
    detail: (address) => `${address}: this host name cannot be resolved`,
  },
  {
    pattern: /matches no streams/,
    state: 'no-video',
    detail: (address) => `${address}: the stream has no video`,
  },
  {
    pattern: /Connection timed out|Operation timed out/,
    state: 'stalled',
    detail: (address) => `${address}: the camera stopped sending`,
  },
  {
    pattern: /error while loading shared libraries/,
    state: 'failed',
    detail: () => 'ffmpeg cannot be started: a part of it is missing, or the machine has too little memory',
  },
  {
    pattern: /exceeds specified max pixel count/,
    state: 'bad-stream',
    detail: (address) => `${address}: the pictures are larger than a gateway takes (8192 × 4320 pixels)`,
  },
  {
    pattern: /Cannot allocate memory|Failed to allocate|get_(encode_)?buffer\(\) failed/i,
    state: 'bad-stream',
    detail: (address) => `${address}: decoding the video takes more memory than a camera may use`,
  },
  {
    pattern:
      /Could not find codec parameters for stream \d+ \(Video|unspecified size|Decoder .* not found|no decoder found|Decoding requested, but no decoder/i,
    state: 'bad-stream',
    detail: (address) => `${address}: the video cannot be decoded; is it H.264, H.265, MPEG-4 or MJPEG?`,
  },
  {
    pattern: /method \w+ failed: (\d{3})/,
    state: 'failed',
    detail: (address) => `${address}: the camera answered with an RTSP error`,
  },
];

/** The cause according to ffmpeg's standard error, or null if it names none. */
export function failureFromLines(lines: readonly string[], address: string): CameraFailure | null {
  const text = lines.join('\n');
  for (const rule of RULES) {
    if (rule.pattern.test(text)) return { state: rule.state, detail: rule.detail(address) };
  }
  return null;
}
