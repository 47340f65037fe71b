import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packTestSoftware } from '#backend/testing/pack-test-software.ts';
import { enrolTestGateway } from '#backend/testing/test-site.ts';
import type { RolloutView, SiteState } from '#protocol/api.ts';
import { root } from './source-files.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';
import { BRIGHTNESS } from './testing/two-logits.ts';

type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

let yard: RunningSite;
let scratch: string;

/** What a command for the site prints, and how it ends. */
const blindsight = async (...words: string[]): Promise<Outcome> =>
  promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), ...words, '--data', yard.data]).then(
    (output) => ({ code: 0, ...output }),
    (error: Outcome) => error,
  );
const each = ({ stdout }: Outcome) =>
  (JSON.parse(stdout) as RolloutView).each.map(({ gateway, wave, state }) => `${gateway} ${wave} ${state}`);
const gatewayOf = async (name: string) =>
  (await yard.get<SiteState>('state')).gateways.find((gateway) => gateway.name === name)!;
/** Waits until a gateway runs a version of the network. */
const runs = (name: string, version: number) =>
  vi.waitFor(
    async () => {
      const { model, reported } = await gatewayOf(name);
      expect([model?.version, reported?.bundle.status]).toEqual([version, 'active']);
    },
    { timeout: 120_000, interval: 200 },
  );

/** Lets version 2 expect a wrong answer of the reference interpreter, so that gate-3 refuses it after it has fetched and tried it. */
function spoilSelfTest(): void {
  const database = new DatabaseSync(join(yard.data, 'blindsight.db'));
  const [row] = database.prepare('SELECT description FROM models WHERE version = 2').all();
  const description = JSON.parse(String(row!.description));
  description.selfTest.reference = 'f'.repeat(64);
  database.prepare('UPDATE models SET description = ? WHERE version = 2').run(JSON.stringify(description));
  database.close();
}

/** Real broker, backend, gateways and command line. One story: each step starts where the one before it ended. */
describe('rollouts over three gateways', () => {
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'blindsight-rollout-'));
    yard = await startRunningSite();
    await yard.protect(BRIGHTNESS);
    await yard.startGateway('gate-1', 'brightness', []);
    await yard.startGateway('gate-2', 'brightness', []);
    await yard.startGateway('gate-3', 'brightness', [], (config) => ({
      ...config,
      inference: { ...config.inference, interpreter: 'reference' },
    }));
    await runs('gate-1', 1);
    await runs('gate-2', 1);
    await runs('gate-3', 1);
    await yard.protect(BRIGHTNESS);
    spoilSelfTest();
  });
  afterAll(async () => {
    await yard?.close();
    rmSync(scratch, { recursive: true });
  });

  it('a network goes from wave to wave until one refuses it', async () => {
    const started = await blindsight(
      ...['rollout', 'start', 'model', 'brightness', '--to', 'gate-1,gate-2,gate-3'],
      // The keys of the network itself, whose self-test is spoiled: keys of its own would come with another.
      ...['--waves', '1,100%', '--limit', '5m', '--shared', '--wait', '--json'],
    );
    expect(started.stderr).toContain('wave');
    expect(started.code).toBe(3);
    expect(each(started)).toEqual(['gate-1 1 done', 'gate-2 2 done', 'gate-3 2 failed']);
    const view = JSON.parse(started.stdout) as RolloutView;
    expect(view).toMatchObject({ state: 'failed', waves: 2, error: { code: 'ROLLOUT_FAILED' } });
    const [first, second, third] = view.each;
    expect(third!.error?.code).toBe('BUNDLE_SELF_TEST');
    expect(first!.earlier).toEqual({ name: 'brightness', version: '1' });
    expect(third!.earlier).toEqual(first!.earlier);
    expect(Date.parse(second!.released!)).toBeGreaterThanOrEqual(Date.parse(first!.ended!));
    await runs('gate-1', 2);
    await runs('gate-2', 2);
  });

  it('is taken back to what each gateway ran', async () => {
    const { code, stdout } = await blindsight('rollout', 'back', '1', '--wait');
    expect(stdout).toMatch(/^Rollout 2 of what ran before rollout 1, .*: done\n/);
    expect(stdout).toMatch(/\ngate-1 +1 +done +brightness 1 +brightness 2\n/);
    expect(code).toBe(0);
    await runs('gate-1', 1);
    await runs('gate-2', 1);
  });

  it('waits for a gateway that is offline, is paused, resumed and aborted, and keeps others out', async () => {
    await enrolTestGateway(yard.site, 'gate-4', '04', Date.now());
    expect((await blindsight('gateway', 'group', 'gate-4', 'roofs')).stdout).toBe('gate-4 is in: roofs.\n');
    const words = ['rollout', 'start', 'model', 'brightness', '--to', 'roofs'];
    const waited = await blindsight(...words, '--wait', '2s');
    expect(waited.code).toBe(5);
    expect(waited.stderr).toContain('Rollout 3 is still running; it goes on.');
    const second = await blindsight(...words);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('ROLLOUT_CONFLICT');
    expect((await blindsight('rollout', 'pause', '3')).stdout).toContain('paused');
    expect((await yard.get<SiteState>('state')).rollouts).toMatchObject([{ id: 3, state: 'paused' }]);
    expect((await blindsight('rollout', 'resume', '3')).code).toBe(0);
    expect((await blindsight('rollout', 'abort', '3')).stdout).toBe('Rollout 3 is aborted.\n');
    expect(each(await blindsight('rollout', 'show', '3', '--json'))).toEqual(['gate-4 1 left']);
    const { stdout } = await blindsight('rollout', 'list');
    expect(stdout).toMatch(/\n3 .* brightness version 2 +aborted +1 of 1 +0 of 1 /);
    expect((await yard.get<SiteState>('state')).rollouts).toEqual([]);
  });

  it('reaches a gateway with software, too, which refuses what nobody could start', async () => {
    const { software } = await gatewayOf('gate-1');
    const platform = software!.platform === 'linux-arm64' ? 'linux-arm64' : 'linux-x64';
    const words = ['rollout', 'start', 'software', '9.9.9', '--to', 'gate-1', '--wait', '--json'];
    const missing = await blindsight(...words);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('SOFTWARE_NOT_FOUND');
    const added = await blindsight('software', 'add', await packTestSoftware(scratch, '9.9.9', platform));
    expect(added.stdout).toMatch(new RegExp(`^Software 9\\.9\\.9 for ${platform} is kept `));
    expect((await blindsight('software', 'list')).stdout).toContain('9.9.9');
    const refused = await blindsight(...words);
    expect(refused.code).toBe(3);
    expect(each(refused)).toEqual(['gate-1 1 failed']);
    expect((await gatewayOf('gate-1')).software).toMatchObject({
      ...{ wanted: '9.9.9', status: 'refused', version: software!.version },
      detail: expect.stringMatching(/^SOFTWARE_NO_LAUNCHER: /),
    });
    expect((await blindsight('software', 'remove', '9.9.9')).code).toBe(0);
  });

  it.each([
    [['start', 'model', 'brightness', '--to', 'all', '--waves', '150%'], 'ROLLOUT_WAVES'],
    [['start', 'model', 'brightness', '--to', 'all', '--limit', '0s'], '--limit'],
    [['start', 'software', '1.2.3', '--version', '2', '--to', 'all'], '--version'],
  ])('%j begins nothing, and says what is wrong', async (words, what) => {
    const before = (await yard.get<RolloutView[]>('rollouts')).length;
    const { code, stdout, stderr } = await blindsight('rollout', ...words);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(what);
    expect(await yard.get<RolloutView[]>('rollouts')).toHaveLength(before);
  });
});
