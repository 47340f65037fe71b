import type { UnusualView } from '#protocol/api.ts';
import type { CameraState } from '#protocol/messages.ts';
import { EN, type Words } from '../words/en.ts';
import { formatAge } from './format.ts';
import type { Tone } from './tone.ts';

export type CameraWords = {
  readonly tone: Tone;
  /** One or two words for the chip. */
  readonly word: string;
  /** Why, and what happens next, for whoever has to fix it; empty while all is well. */
  readonly reason: string;
};

const TONES: Readonly<Record<CameraState['state'], Tone>> = {
  starting: 'wait',
  streaming: 'good',
  unauthorized: 'bad',
  'not-found': 'bad',
  unreachable: 'bad',
  refused: 'bad',
  stalled: 'warn',
  'no-network': 'bad',
  'no-video': 'bad',
  'bad-stream': 'bad',
  failed: 'bad',
  disabled: 'off',
};

/**
 * A camera's state as an operator reads it. `gatewayOnline` false overrides: what a lost gateway last said about its
 * cameras may no longer be true.
 *
 * @param unusual where it shows something the network was not trained for; mentioned only while it is streaming.
 */
export function cameraWords(
  state: CameraState | null,
  gatewayOnline: boolean,
  nowMs: number,
  unusual: readonly UnusualView[] = [],
  words: Words = EN,
): CameraWords {
  if (!gatewayOnline) return { tone: 'off', ...words.states.offline };
  if (state === null) return { tone: 'wait', ...words.states.waiting };
  const { word, reason } = words.states[state.state];
  const tone = TONES[state.state];
  if (state.state === 'streaming' && unusual.length > 0)
    return { tone: 'warn', word: words.states.unusual.word, reason: unusualWords(unusual, words) };
  if (state.state === 'streaming') return { tone, word, reason: '' };
  return {
    tone,
    word,
    reason: [reason, state.detail, retryWords(state.nextRetry, nowMs, words)].filter(Boolean).join(' '),
  };
}

function unusualWords(unusual: readonly UnusualView[], { unusual: words }: Words): string {
  const regions = unusual.flatMap(({ region }) => (region === undefined ? [] : [region]));
  // Regions that share a ciphertext are withheld together; nobody can tell which of them it was.
  return words.reason(regions.length === 0 ? words.camera : words.region(regions));
}

function retryWords(nextRetry: string | null, nowMs: number, words: Words): string {
  const { retry } = words;
  if (nextRetry === null) return '';
  const waitMs = Date.parse(nextRetry) - nowMs;
  if (Number.isNaN(waitMs)) return '';
  return waitMs < 1000 ? retry.now : retry.later(formatAge(waitMs, words));
}
