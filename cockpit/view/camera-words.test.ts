import { describe, expect, it } from 'vitest';
import { CAMERA_STATES } from '#protocol/messages.ts';
import { cameraStateOf, FIXTURE_TIME } from '../testing/fixtures.ts';
import { plain } from '../testing/plain.ts';
import { cameraWords } from './camera-words.ts';

const NOW_MS = Date.parse(FIXTURE_TIME);

describe('cameraWords', () => {
  it('has words of their own for every state', () => {
    const words = CAMERA_STATES.map((state) => cameraWords(cameraStateOf({ state }), true, NOW_MS).word);
    expect(new Set(words).size).toBe(CAMERA_STATES.length);
  });

  it('gives no reason while all is well', () => {
    expect(cameraWords(cameraStateOf(), true, NOW_MS)).toEqual({
      tone: 'good',
      word: 'Watching',
      reason: '',
    });
  });

  it('says what to do where the network was not trained for the picture, unless something worse is wrong', () => {
    const since = FIXTURE_TIME;
    const whole = cameraWords(cameraStateOf(), true, NOW_MS, [{ since }]);
    expect(whole).toMatchObject({ tone: 'warn', word: 'Unusual picture' });
    expect(whole.reason).toMatch(
      /^This camera shows something the network was not trained for, .*docs.operations\.md/,
    );
    const regions = ['stairs', 'entrance'].map((region) => ({ region, since }));
    expect(cameraWords(cameraStateOf(), true, NOW_MS, regions).reason).toMatch(
      /^Region stairs or entrance shows something the network was not trained for/,
    );
    const stalled = cameraWords(cameraStateOf({ state: 'stalled' }), true, NOW_MS, [{ since }]);
    expect(stalled.word).toBe('Stalled');
  });

  it('says why, what the gateway saw and when it tries again', () => {
    const state = cameraStateOf({
      state: 'unauthorized',
      detail: '401 from camera.example.',
      nextRetry: '2026-03-01T12:00:30.000Z',
    });
    const words = cameraWords(state, true, NOW_MS);
    expect({ ...words, reason: plain(words.reason) }).toEqual({
      tone: 'bad',
      word: 'Access denied',
      reason: 'The camera rejects the user name or password. 401 from camera.example. Trying again in 30 s.',
    });
  });

  it('does not promise a past retry', () => {
    const state = cameraStateOf({ state: 'stalled', detail: '', nextRetry: '2026-03-01T11:59:00.000Z' });
    expect(cameraWords(state, true, NOW_MS).reason).toMatch(/Trying again now\.$/);
  });

  it('does not repeat what a lost gateway last said', () => {
    expect(cameraWords(cameraStateOf(), false, NOW_MS).word).toBe('Gateway offline');
  });

  it('waits for the first report', () => {
    expect(cameraWords(null, true, NOW_MS).tone).toBe('wait');
  });
});
