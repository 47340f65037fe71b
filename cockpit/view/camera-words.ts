import type { UnusualView } from '#protocol/api.ts';
import type { CameraState } from '#protocol/messages.ts';
import { formatAge } from './format.ts';
import type { Tone } from './tone.ts';

export type CameraWords = {
  readonly tone: Tone;
  /** One or two words for the chip. */
  readonly word: string;
  /** Why, and what happens next, for whoever has to fix it; empty while all is well. */
  readonly reason: string;
};

const WORDS: Record<CameraState['state'], { tone: Tone; word: string; reason: string }> = {
  starting: { tone: 'wait', word: 'Starting', reason: 'The stream is being opened.' },
  streaming: { tone: 'good', word: 'Streaming', reason: '' },
  unauthorized: {
    tone: 'bad',
    word: 'Access denied',
    reason: 'The camera rejects the user name or password.',
  },
  'not-found': {
    tone: 'bad',
    word: 'No such stream',
    reason: 'The camera answers, but has no stream at this address.',
  },
  unreachable: { tone: 'bad', word: 'Unreachable', reason: 'Nothing answers at the camera’s address.' },
  refused: { tone: 'bad', word: 'Refused', reason: 'The camera refuses the connection.' },
  stalled: { tone: 'warn', word: 'Stalled', reason: 'The stream is open, but no new picture arrives.' },
  'no-network': {
    tone: 'bad',
    word: 'No network',
    reason: 'Its settings name a network that its gateway does not have.',
  },
  'no-video': { tone: 'bad', word: 'No video', reason: 'The stream contains no video.' },
  'bad-stream': { tone: 'bad', word: 'Bad stream', reason: 'The video cannot be decoded.' },
  failed: { tone: 'bad', word: 'Failed', reason: 'Capture ended unexpectedly.' },
  disabled: {
    tone: 'off',
    word: 'Switched off',
    reason: 'This camera is switched off in the gateway’s settings.',
  },
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
): CameraWords {
  if (!gatewayOnline)
    return { tone: 'off', word: 'Gateway offline', reason: 'Its gateway is not reporting.' };
  if (state === null)
    return { tone: 'wait', word: 'Waiting', reason: 'The gateway has not reported this camera yet.' };
  const { tone, word, reason } = WORDS[state.state];
  if (state.state === 'streaming' && unusual.length > 0)
    return { tone: 'warn', word: 'Unusual picture', reason: unusualWords(unusual) };
  if (state.state === 'streaming') return { tone, word, reason: '' };
  return {
    tone,
    word,
    reason: [reason, state.detail, retryWords(state.nextRetry, nowMs)].filter(Boolean).join(' '),
  };
}

function unusualWords(unusual: readonly UnusualView[]): string {
  const regions = unusual.flatMap(({ region }) => (region === undefined ? [] : [region]));
  // Regions that share a ciphertext are withheld together; nobody can tell which of them it was.
  const who = regions.length === 0 ? 'This camera' : `Region ${regions.join(' or ')}`;
  return (
    `${who} shows something the network was not trained for, so many of its answers are withheld. ` +
    'Check the picture: is there a lamp, darkness or dirt, or did the camera or a region (agent.yaml) move? ' +
    'If the picture is right, train the network on pictures like it (see docs/operations.md). ' +
    'This message disappears once answers come again.'
  );
}

function retryWords(nextRetry: string | null, nowMs: number): string {
  if (nextRetry === null) return '';
  const waitMs = Date.parse(nextRetry) - nowMs;
  if (Number.isNaN(waitMs)) return '';
  return waitMs < 1000 ? 'Trying again now.' : `Trying again in ${formatAge(waitMs)}.`;
}
