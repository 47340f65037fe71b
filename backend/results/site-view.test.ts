import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewayState, Result } from '#protocol/messages.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import {
  enrolTestGateway,
  keepTestModel,
  makeTestSite,
  releaseTo,
  type TestSite,
} from '../testing/test-site.ts';
import { ResultPublisher } from './result-publisher.ts';
import { SiteView } from './site-view.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const TIME = '2026-01-01T00:00:00.000Z';

function makeResult(second: number, label = 'empty'): Result {
  return {
    camera: 'door',
    model: 'counter',
    label,
    probability: 0.9,
    probabilities: { empty: 0.9, occupied: 0.1 },
    frameTime: new Date(second * 1000).toISOString(),
    sequence: second,
    historical: false,
    latencyMs: { prepare: 1, encrypt: 2, evaluate: 3, transport: 4, decrypt: 5, total: 15 },
  };
}

describe('the view of a site', () => {
  let site: TestSite;
  let view: SiteView;
  beforeEach(async () => {
    site = await makeTestSite();
    await enrolTestGateway(site, 'gate');
    await site.store.cameras.claim('door', 'gate', 1);
    view = new SiteView('yard', site.store, systemClock);
  });
  afterEach(() => site.close());

  it('joins what gateways say with what the store knows', async () => {
    await keepTestModel(site, 'counter');
    await releaseTo(site, 'gate', 'counter');
    view.setGatewayState('gate', { state: 'online', session: 2, time: TIME, reason: 'started' });
    view.setResult(makeResult(1));
    await site.store.gateways.quarantine('gate', 'range', 1);
    const state = await view.snapshot();
    expect(state.gateways).toMatchObject([
      {
        name: 'gate',
        state: 'online',
        since: TIME,
        quarantine: { since: '1970-01-01T00:00:00.001Z', reason: 'range' },
        model: { name: 'counter', version: 1 },
      },
    ]);
    expect(state.cameras).toMatchObject([
      { camera: 'door', gateway: 'gate', state: null, result: { sequence: 1 } },
    ]);
    expect(state.models).toMatchObject([{ name: 'counter', version: 1, bundleBytes: 350_000 }]);
  });

  it('does not take the late will of an earlier session for the present', async () => {
    const say = (state: GatewayState['state'], session: number) =>
      view.setGatewayState('gate', {
        state,
        session,
        time: TIME,
        reason: state === 'online' ? 'started' : 'lost',
      });
    say('online', 5);
    say('offline', 4);
    expect((await view.snapshot()).gateways[0]?.state).toBe('online');
    say('offline', 5);
    expect((await view.snapshot()).gateways[0]?.state).toBe('offline');
  });

  it('counts what is missing now, not what came late', async () => {
    await site.store.counters.add('gaps', 5);
    await site.store.counters.add('late', 2);
    await site.store.counters.add('refused.signature', 3);
    expect((await view.snapshot()).counters).toEqual({
      accepted: 0,
      duplicates: 0,
      gaps: 3,
      withheld: 0,
      refused: { signature: 3 },
    });
  });

  it('publishes every result, and retains only the newest of a camera', async () => {
    const sent: { sequence: number; retain: boolean | undefined }[] = [];
    let connected = true;
    const link = {
      get connected() {
        return connected;
      },
      publish: async (topic: string, payload: Uint8Array | string, options?: { retain?: boolean }) => {
        expect(topic).toBe('blindsight/v1/yard/results/door');
        sent.push({ sequence: JSON.parse(String(payload)).sequence, retain: options?.retain });
      },
    };
    const publisher = new ResultPublisher('yard', link, view, log);
    publisher.publish(makeResult(10));
    publisher.publish(makeResult(5));
    connected = false;
    publisher.publish(makeResult(11));
    connected = true;
    publisher.publishLatest();
    expect(sent).toEqual([
      { sequence: 10, retain: true },
      { sequence: 5, retain: false },
      { sequence: 11, retain: true },
    ]);
  });
});
