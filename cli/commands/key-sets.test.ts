import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { withSite } from '#backend/site-folder.ts';
import { makeSmallGraph } from '#backend/testing/small-network.ts';
import { keepTestModel } from '#backend/testing/test-site.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';

const root = join(import.meta.dirname, '..', '..');
const DESCRIPTION = { labels: ['empty', 'occupied'], activationRanges: [3, 6], logitRange: 8 };

/** Whose keys are whose, as the owner says on the command line, in a real folder of a site. */
describe('keys of gateways', () => {
  let folder: string;
  const data = () => join(folder, 'site');
  type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };
  const blindsight = async (...words: string[]): Promise<Outcome> =>
    promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), ...words, '--data', data()]).then(
      (output) => ({ code: 0, ...output }),
      (error: Outcome) => error,
    );
  /** Key sets that releases of a model are under, by gateway, and whose they are. */
  const keys = () =>
    withSite(data(), async ({ store }) => {
      const releases = await store.deployments.current();
      return {
        of: Object.fromEntries(releases.map(({ gateway, protection }) => [gateway, protection])),
        owners: (await store.protections.of('small', 1)).map((one) => (one.isShared ? 'all' : one.gateway)),
      };
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blindsight-key-sets-'));
    await initializeSite(data(), 'yard', { brokerPort: 8883, apiPort: 0 });
    const network = join(folder, 'small.onnx');
    await writeFile(network, writeOnnx(makeSmallGraph(1)));
    await writeFile(join(folder, 'small.json'), JSON.stringify(DESCRIPTION));
    await withSite(data(), async (site) => {
      for (const name of ['gate-1', 'gate-2', 'gate-3'])
        await enrolGateway({
          ...{ site, name, outDirectory: join(folder, name), brokerUrl: 'mqtts://localhost:8883' },
        });
      await protectModel({ site, network });
      await keepTestModel(site, 'large');
      const model = (await site.store.models.get('large'))!;
      const parts = model.parts.map((part) => ({ ...part, bytes: 20_000_000 }));
      await site.store.models.add({ ...model, version: 2, parts });
    });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('are one pair of each gateway by default, and one for all with --shared', async () => {
    const own = await blindsight('deploy', 'small', 'gate-1', 'gate-2');
    expect(own).toMatchObject({ code: 0, stdout: expect.stringMatching(/gate-1 .*\n.*gate-2 .*\n$/) });
    expect(await keys()).toEqual({ of: { 'gate-1': 1, 'gate-2': 2 }, owners: ['gate-1', 'gate-2'] });
    expect(await blindsight('deploy', 'small', 'gate-2', 'gate-3', '--shared')).toMatchObject({ code: 0 });
    expect(await keys()).toEqual({
      of: { 'gate-1': 1, 'gate-2': 3, 'gate-3': 3 },
      owners: ['gate-1', 'gate-2', 'all'],
    });
    // What a gateway has of its own it has for good.
    expect(await blindsight('deploy', 'small', 'gate-2', '--per-gateway')).toMatchObject({ code: 0 });
    expect((await keys()).of['gate-2']).toBe(2);
    const both = await blindsight('deploy', 'small', 'gate-2', '--per-gateway', '--shared');
    expect(both).toMatchObject({ code: 1, stdout: '' });
    expect(both.stderr).toMatch(/--shared' cannot be used with option '--per-gateway/);
  });

  it('are replaced by gateway rekey, which says why in the journal', async () => {
    const { code, stdout } = await blindsight(
      'gateway',
      'rekey',
      'gate-1',
      '--reason',
      'box open',
      '--grace',
      '1h',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^small version 1 with key set 4 is release 2 of gate-1; a running backend is sending it now\n$/,
    );
    expect((await keys()).of).toEqual({ 'gate-1': 4, 'gate-2': 2, 'gate-3': 3 });
    await withSite(data(), async ({ store }) => {
      const [{ retirement } = expect.fail()] = await store.protections.of('small', 1);
      expect(retirement).toMatchObject({ reason: 'box open' });
      expect(retirement!.refusedFromMs - retirement!.sinceMs).toBe(3_600_000);
      const [, entry] = await store.journal.latest(2);
      expect(entry).toMatchObject({ code: 'GATEWAY_REKEYED', subject: 'gate-1', level: 'warn' });
      expect(entry!.message).toContain('box open');
      expect((await store.audit.after(0, 100)).map(({ act }) => act)).toContain('gateway rekey');
    });
    expect(await blindsight('gateway', 'rekey', 'gate-9')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GATEWAY_NOT_FOUND'),
    });
  });

  it('of a network of 100 MB or more are for the owner to choose', async () => {
    const undecided = await blindsight('deploy', 'large', 'gate-3');
    expect(undecided).toMatchObject({ code: 1, stdout: '' });
    expect(undecided.stderr).toMatch(/large version 2 has 100 MB, .*KEYS_UNDECIDED/s);
    expect(undecided.stderr).toContain('--shared');
    expect(await blindsight('deploy', 'large', 'gate-3', '--shared')).toMatchObject({ code: 0 });
    // Once chosen, it need not be said again.
    expect(await blindsight('deploy', 'large', 'gate-3')).toMatchObject({ code: 0 });
  });
});
