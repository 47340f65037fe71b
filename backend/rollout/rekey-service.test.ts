import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { deployModel } from '../operations/deploy-model.ts';
import { protectModel } from '../operations/protect-model.ts';
import { makeSmallGraph } from '../testing/small-network.ts';
import { enrolTestGateway, keepTestModel, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { RekeyService } from './rekey-service.ts';

const WAIT = { timeout: 60_000 };

const DESCRIPTION = { labels: ['empty', 'occupied'], activationRanges: [3, 6], logitRange: 8 };
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

describe('gateways whose keys were retired', () => {
  let site: TestSite;
  let clock: SimulatedClock;
  let changes: number;
  let said: { readonly msg: string; readonly code?: string }[];
  let service: RekeyService;
  beforeEach(async () => {
    site = await makeTestSite();
    clock = new SimulatedClock(Date.now());
    [changes, said] = [0, []];
    await enrolTestGateway(site, 'gate');
    const destination = { write: (line: string) => void said.push(JSON.parse(line)) };
    const log = createLogger({ name: 'test', level: 'info', format: 'json', destination });
    service = new RekeyService({ site, clock, log, onChange: () => changes++ });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await site.close();
  });

  /** Retires the keys that the gateway has, as where another box took its place. */
  async function retire(): Promise<void> {
    const [{ model, version, protection: number } = expect.fail()] = await site.store.deployments.current();
    const keySet = (await site.store.protections.get({ model, version, number }))!;
    const sinceMs = clock.now();
    await site.store.protections.retire(keySet, { sinceMs, refusedFromMs: sinceMs, reason: 'it was stolen' });
  }
  const current = async () => (await site.store.deployments.current())[0]!;

  it('get others at the next look, once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'blindsight-rekey-'));
    writeFileSync(join(folder, 'small.onnx'), writeOnnx(makeSmallGraph(1)));
    writeFileSync(join(folder, 'small.json'), JSON.stringify(DESCRIPTION));
    await protectModel({ site, network: join(folder, 'small.onnx') });
    rmSync(folder, { recursive: true });
    await deployModel({ site, model: 'small', gateway: 'gate', clock });
    await service.step();
    expect(await current()).toMatchObject({ counter: 1, protection: 1 });
    await retire();
    await service.step();
    expect(await current()).toMatchObject({ counter: 2, protection: 2, model: 'small', version: 1 });
    const [, entry] = await site.store.journal.latest(2);
    expect(entry).toMatchObject({ code: 'GATEWAY_REKEYED', subject: 'gate' });
    expect(entry!.message).toContain('it was stolen');
    await service.step();
    expect((await current()).counter).toBe(2);
    expect(changes).toBe(1);
    // What only the retired keys had goes from the disk, looked for once an hour.
    clock.jump(clock.now() + 3 * DAY_MS);
    await service.step();
    await clock.advance(60 * MINUTE_MS);
    await service.step();
    expect(said.filter(({ msg }) => msg === 'files of retired keys were removed')).toHaveLength(1);
  });

  it('keep what they have where that fails, and are tried again after ten minutes', async () => {
    // Its network is no network, so that no keys can be made for it.
    await keepTestModel(site, 'none');
    await deployModel({ site, model: 'none', gateway: 'gate', clock });
    await retire();
    const failures = () => said.filter(({ code }) => code === 'KEY_SET_SOURCE').length;
    await service.step();
    await service.step();
    expect(failures()).toBe(1);
    await clock.advance(10 * MINUTE_MS);
    await service.step();
    expect(failures()).toBe(2);
    expect((await current()).counter).toBe(1);
    expect(changes).toBe(0);
  });

  it('are looked for until the backend stops, also after trouble of the store', async () => {
    const broken = vi.spyOn(site.store.deployments, 'current').mockRejectedValueOnce(new Error('disk full'));
    const stop = new AbortController();
    const running = service.run(stop.signal);
    await vi.waitFor(
      () => expect(said.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/^retired keys/)),
      WAIT,
    );
    await clock.advance(5000);
    await vi.waitFor(() => expect(broken).toHaveBeenCalledTimes(2), WAIT);
    stop.abort();
    await running;
    await service.step(stop.signal);
    expect(changes).toBe(0);
  });
});
