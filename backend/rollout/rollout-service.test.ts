import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { deployModel } from '../operations/deploy-model.ts';
import { quarantineGateway } from '../operations/gateways.ts';
import { groupGateway } from '../operations/group-gateway.ts';
import { removeGateway } from '../operations/remove-gateway.ts';
import { RolloutSite } from '../testing/rollout-site.ts';
import { abortRollout, pauseRollout, resumeRollout, takeBackRollout } from './control-rollout.ts';
import { RolloutService } from './rollout-service.ts';

const silent = createLogger({
  name: 'test',
  level: 'error',
  format: 'json',
  destination: { write: () => {} },
});

describe('a rollout', () => {
  let yard: RolloutSite;
  beforeEach(async () => {
    yard = await RolloutSite.make(3);
  });
  afterEach(() => yard.close());

  const control = (id: number) => ({ site: yard.site, id, author: 'ann', clock: yard.clock });
  const journal = async () => (await yard.site.store.journal.latest(100)).map(({ code }) => code);

  it('releases wave by wave, each once the one before it runs', async () => {
    const id = await yard.begin({ waves: ['1', '100%'] });
    await yard.step();
    expect(await yard.look(id)).toBe('running g1=released g2=waiting g3=waiting');
    await yard.report('g1', 'testing');
    await yard.step();
    expect(await yard.releases()).toEqual({ g1: 1 });
    await yard.report('g1', 'active');
    await yard.step();
    await yard.step();
    expect(await yard.look(id)).toBe('running g1=done g2=released g3=released');
    await yard.report('g2', 'active');
    await yard.report('g3', 'active');
    await yard.step();
    expect(await yard.look(id)).toBe('done g1=done g2=done g3=done');
    expect(await yard.releases()).toEqual({ g1: 1, g2: 1, g3: 1 });
    expect(await journal()).toEqual(expect.arrayContaining(['ROLLOUT_STARTED', 'ROLLOUT_DONE']));
    expect(await yard.site.store.rollouts.counts()).toEqual({ done: 1 });
  });

  it('ends as failed after the wave in which one refuses it, and says which and why', async () => {
    const id = await yard.begin({ waves: ['2', '100%'] });
    await yard.step();
    await yard.report('g1', 'refused', 'BUNDLE_MEMORY: not enough');
    await yard.step();
    expect(await yard.look(id)).toBe('running g1=failed g2=released g3=waiting');
    await yard.report('g2', 'active');
    await yard.step();
    expect(await yard.look(id)).toBe('failed g1=failed g2=done g3=skipped');
    expect(await yard.why(id, 'g1')).toBe('BUNDLE_MEMORY');
    expect(await yard.why(id, 'g3')).toBe('ROLLOUT_STOPPED');
    expect((await yard.site.store.rollouts.get(id))?.error).toEqual({
      code: 'ROLLOUT_FAILED',
      message: expect.stringContaining('g1'),
    });
  });

  it('goes on over as many failures as it may, and waits where a gateway tries again by itself', async () => {
    const id = await yard.begin({ waves: ['1', '2', '3'], maxFailures: 1, limitMs: 60_000 });
    await yard.step();
    await yard.report('g1', 'rolled-back', 'BUNDLE_CRASHED: it died');
    await yard.step();
    await yard.step();
    await yard.report('g2', 'refused', 'BUNDLE_UNAVAILABLE: again in 30 s');
    await yard.step();
    expect(await yard.look(id)).toBe('running g1=failed g2=released g3=waiting');
    await yard.report('g2', 'active');
    await yard.step();
    await yard.step();
    await yard.report('g3', 'refused', 'BUNDLE_DIGEST: again');
    await yard.step(61);
    expect(await yard.look(id)).toBe('failed g1=failed g2=done g3=timed-out');
    const [, , last] = await yard.site.store.rollouts.gateways(id);
    expect(last!.error?.message).toContain('BUNDLE_DIGEST');
  });

  it('counts a gateway that gives it up after it ran', async () => {
    const id = await yard.begin({ waves: ['1', '3'] });
    await yard.step();
    await yard.report('g1', 'active');
    await yard.step();
    await yard.step();
    await yard.report('g1', 'rolled-back', 'BUNDLE_CRASHED: it died');
    await yard.report('g2', 'active');
    await yard.report('g3', 'active');
    await yard.step();
    expect(await yard.look(id)).toBe('failed g1=failed g2=done g3=done');
  });

  it('gives offline gateways the same limit, and ends', async () => {
    const id = await yard.begin({ waves: ['1', '100%'], limitMs: 60_000 });
    await yard.step();
    await yard.step(50);
    expect(await yard.look(id)).toBe('running g1=released g2=waiting g3=waiting');
    await yard.step(10);
    expect(await yard.look(id)).toBe('failed g1=timed-out g2=skipped g3=skipped');
    expect(await yard.why(id, 'g1')).toBe('ROLLOUT_NO_ANSWER');
  });

  it('keeps its limits where the clock is set back, and after a start waits for what gateways reported meanwhile', async () => {
    const id = await yard.begin({ waves: ['1', '100%'], limitMs: 60_000, totalMs: 200_000 });
    await yard.step();
    await yard.step();
    yard.clock.jump(yard.clock.now() - 86_400_000);
    await yard.step(61);
    expect(await yard.look(id)).toContain('g1=timed-out');
    const second = await yard.begin({ waves: ['1', '100%'], limitMs: 60_000 });
    await yard.step();
    yard.clock.jump(yard.clock.now() + 3_600_000);
    yard.restart();
    await yard.service.step();
    expect(await yard.look(second)).toContain('g1=released');
    await yard.report('g1', 'active');
    await yard.step();
    await yard.step();
    expect(await yard.look(second)).toBe('running g1=done g2=released g3=released');
  });

  it('pauses and resumes; a pause ends with the time of the whole rollout', async () => {
    const id = await yard.begin({ waves: ['1', '2', '3'], totalMs: 3_600_000 });
    await yard.step();
    await pauseRollout(control(id));
    await yard.report('g1', 'active');
    await yard.step();
    await yard.step();
    expect(await yard.look(id)).toBe('paused g1=done g2=waiting g3=waiting');
    await expect(pauseRollout(control(id))).rejects.toMatchObject({ code: 'ROLLOUT_STATE' });
    await resumeRollout(control(id));
    await yard.step();
    await yard.step();
    expect(await yard.look(id)).toBe('running g1=done g2=released g3=waiting');
    await pauseRollout(control(id));
    await yard.report('g2', 'active');
    await yard.step(3_600);
    expect(await yard.look(id)).toBe('timed-out g1=done g2=done g3=skipped');
    expect(await journal()).toEqual(
      expect.arrayContaining(['ROLLOUT_PAUSED', 'ROLLOUT_RESUMED', 'ROLLOUT_TIMED_OUT']),
    );
  });

  it('releases to nobody after it was aborted, and takes back what it did', async () => {
    const { site, clock } = yard;
    for (const gateway of ['g1', 'g2', 'g3']) {
      await deployModel({ keys: 'common', site, gateway, model: 'net', version: 1 });
      await yard.report(gateway, 'active');
    }
    const id = await yard.begin({ waves: ['1', '2', '3'] });
    await yard.step();
    await yard.report('g1', 'active');
    await yard.step();
    await yard.step();
    await expect(takeBackRollout(control(id))).rejects.toMatchObject({ code: 'ROLLOUT_STATE' });
    await abortRollout(control(id));
    await yard.step();
    expect(await yard.look(id)).toBe('aborted g1=done g2=left g3=skipped');
    await expect(abortRollout(control(id))).rejects.toMatchObject({ code: 'ROLLOUT_STATE' });
    const back = await takeBackRollout(control(id));
    await yard.step();
    expect(await yard.look(back.id)).toBe('running g1=released g2=released');
    const newest = await site.store.deployments.current();
    expect(newest.map(({ gateway, version, counter }) => [gateway, version, counter])).toEqual([
      ['g1', 1, 3],
      ['g2', 1, 3],
      ['g3', 1, 1],
    ]);
    await yard.report('g1', 'active');
    await yard.report('g2', 'active');
    await yard.step();
    expect(await yard.look(back.id)).toBe('done g1=done g2=done');
    await expect(takeBackRollout({ ...control(id), clock })).rejects.toMatchObject({
      code: 'ROLLOUT_TARGET',
    });
  });

  it('leaves alone what was removed, put in quarantine, replaced or released to otherwise, and says so', async () => {
    const { site } = yard;
    const id = await yard.begin({ waves: ['2', '100%'] });
    await yard.step();
    await removeGateway(site, 'g1');
    await deployModel({ keys: 'common', site, gateway: 'g2', model: 'net', version: 1 });
    await quarantineGateway(site, 'g3', 'it sends nonsense');
    await yard.step();
    await yard.step();
    expect(await yard.look(id)).toBe('done g1=skipped g2=skipped g3=skipped');
    expect(await yard.why(id, 'g1')).toBe('GATEWAY_REMOVED');
    expect(await yard.why(id, 'g2')).toBe('ROLLOUT_OVERTAKEN');
    expect(await yard.why(id, 'g3')).toBe('GATEWAY_QUARANTINED');
    expect(await yard.releases()).toEqual({ g1: 1, g2: 2 });
  });

  it('leaves a gateway alone whose place another machine has taken, before its release or after it', async () => {
    const id = await yard.begin({ waves: ['1', '2', '3'] });
    await yard.step();
    const replace = (name: string) =>
      yard.site.store.transaction((store) =>
        store.gateways.replace({
          ...{ name, signingKey: 'another', sealingKey: 'another', certificateSerial: `0${name}` },
          ...{ certificateEndMs: 9, replacedMs: 5 },
        }),
      );
    await replace('g1');
    await replace('g2');
    await yard.step();
    await yard.step();
    await yard.step();
    expect(await yard.look(id)).toBe('running g1=skipped g2=skipped g3=released');
    expect(await yard.why(id, 'g1')).toBe('ROLLOUT_REPLACED');
    expect(await yard.releases()).toEqual({ g1: 1, g3: 1 });
  });

  it('waits for a gateway that only needs a fresh timestamp or room on its disk, and says so when its time is over', async () => {
    const id = await yard.begin({ to: ['g1', 'g2'], waves: [], limitMs: 60_000 });
    await yard.step();
    await yard.report('g2', 'refused', 'FHE_DISK: no room');
    await yard.step();
    await yard.report('g1', 'refused', 'TRUST_STALE: the newest timestamp is old');
    await yard.report('g2', 'refused', 'BUNDLE_SIGNATURE: another owner');
    await yard.step();
    expect(await yard.look(id)).toBe('running g1=released g2=released');
    await yard.report('g1', 'active');
    await yard.step(61);
    expect(await yard.look(id)).toBe('failed g1=done g2=timed-out');
    const [, second] = await yard.site.store.rollouts.gateways(id);
    expect(second!.error).toMatchObject({
      code: 'ROLLOUT_NO_ANSWER',
      message: expect.stringContaining('BUNDLE_SIGNATURE'),
    });
  });

  it('says soon that no camera names a network beside, and waits for a gateway that does not say which they name', async () => {
    const id = await yard.begin({ place: 'beside', waves: [], maxFailures: 1 });
    yard.reported.set('g1', { networks: [] });
    yard.reported.set('g2', { networks: [{ network: 'net' }] });
    await yard.step();
    await yard.step(50);
    expect(await yard.look(id)).toBe('running g1=released g2=released g3=released');
    await yard.step(10);
    expect(await yard.look(id)).toBe('running g1=failed g2=released g3=released');
    const [first] = await yard.site.store.rollouts.gateways(id);
    expect(first!.error).toEqual({
      code: 'ROLLOUT_UNNAMED',
      message: 'no camera of g1 names the network net',
    });
  });

  it('counts as failed what is put in quarantine after its release', async () => {
    const id = await yard.begin({ waves: ['1', '100%'] });
    await yard.step();
    await quarantineGateway(yard.site, 'g1', 'it sends nonsense');
    await yard.step();
    expect(await yard.look(id)).toBe('failed g1=failed g2=skipped g3=skipped');
  });

  it('does not release anew what runs already', async () => {
    await deployModel({ keys: 'common', site: yard.site, gateway: 'g1', model: 'net' });
    await yard.report('g1', 'active');
    const id = await yard.begin({ waves: ['1', '100%'] });
    await yard.step();
    await yard.step();
    expect(await yard.look(id)).toBe('running g1=done g2=released g3=released');
    expect((await yard.releases()).g1).toBe(1);
  });

  it('of two at once that reach the same gateway only the first begins, or the second takes its place', async () => {
    const begun = await Promise.allSettled([
      yard.begin({ to: ['g1', 'g2'] }),
      yard.begin({ to: ['g2', 'g3'] }),
    ]);
    expect(begun.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = begun.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(refused.reason).toMatchObject({
      code: 'ROLLOUT_CONFLICT',
      message: expect.stringContaining('g2'),
    });
    const [first] = await yard.site.store.rollouts.list(10);
    expect(await yard.site.store.rollouts.list(10)).toHaveLength(1);
    const second = await yard.begin({ to: ['g2'], instead: true });
    expect(await yard.look(first!.id)).toContain('aborted');
    await yard.step();
    expect(await yard.look(second)).toBe('running g2=released');
    // One that shares nobody with it.
    await yard.begin({ to: ['g1', 'g3'] });
  });

  it('reaches groups, each gateway once', async () => {
    await groupGateway(yard.site, 'g3', ['doors']);
    await groupGateway(yard.site, 'g1', ['doors', 'north']);
    const id = await yard.begin({ to: ['g2', 'doors', 'north'], waves: [] });
    expect(await yard.look(id)).toBe('running g2=waiting g1=waiting g3=waiting');
  });

  it.each([
    ['a gateway that is not there', { to: ['g1', 'g9'] }, 'ROLLOUT_TARGET'],
    ['a group that is not there', { to: ['doors'] }, 'ROLLOUT_TARGET'],
    ['nobody', { to: [] }, 'ROLLOUT_TARGET'],
    ['a network that is not there', { what: { kind: 'model', name: 'nothing' } }, 'MODEL_NOT_FOUND'],
    ['a version that is not there', { what: { kind: 'model', name: 'net', version: 9 } }, 'MODEL_NOT_FOUND'],
    ['software that is not there', { what: { kind: 'software', version: '1.2.3' } }, 'SOFTWARE_NOT_FOUND'],
    ['waves that shrink', { waves: ['50%', '10%'] }, 'ROLLOUT_WAVES'],
    ['more than all', { waves: ['200%'] }, 'ROLLOUT_WAVES'],
    ['no time', { limitMs: 0 }, 'ROLLOUT_LIMIT'],
    ['no time in all', { totalMs: 0 }, 'ROLLOUT_LIMIT'],
    ['fewer than no failures', { maxFailures: -1 }, 'ROLLOUT_LIMIT'],
    ['answers that the broker does not take', { maxMessageBytes: 5 }, 'ANSWER_TOO_LARGE'],
  ] as const)('does not begin with %s', async (_what, options, code) => {
    await expect(yard.begin(options)).rejects.toMatchObject({ code });
    expect(await yard.site.store.rollouts.list(10)).toEqual([]);
    expect(await yard.site.store.rollouts.held()).toEqual([]);
  });

  it('knows when a name is a gateway and a group, and which names a group cannot have', async () => {
    const group = (...names: string[]) => groupGateway(yard.site, 'g1', names);
    for (const name of ['all', 'g2', 'Doors', 'two words', ''])
      await expect(group(name), name).rejects.toMatchObject({ code: 'GATEWAY_GROUP' });
    await expect(group(...Array.from({ length: 33 }, (_, i) => `x${i}`))).rejects.toMatchObject({
      code: 'GATEWAY_GROUP',
    });
    // Enrolled after the group was named.
    await yard.site.store.gateways.setGroups('g1', ['g2']);
    await expect(yard.begin({ to: ['g2'] })).rejects.toMatchObject({ code: 'ROLLOUT_TARGET' });
    expect(await groupGateway(yard.site, 'g1', [])).toEqual([]);
  });

  it('has nobody to release to where all are in quarantine', async () => {
    await quarantineGateway(yard.site, 'g1', 'nonsense');
    await expect(yard.begin({ to: ['g1'] })).rejects.toMatchObject({ code: 'ROLLOUT_TARGET' });
    const id = await yard.begin({ waves: ['1', '100%'] });
    await yard.step();
    expect(await yard.look(id)).toBe('running g1=skipped g2=released g3=waiting');
  });

  it('of software chooses the archive for each machine, and goes back to what ran', async () => {
    const { store } = yard.site;
    const archive = { bytes: 9, contents: 'b'.repeat(64), addedMs: 1, sha256: 'a'.repeat(64) };
    const what = { kind: 'software', version: '1.2.3' } as const;
    for (const [gateway, platform] of [
      ['g1', 'linux-x64'],
      ['g2', 'linux-arm64'],
    ] as const) {
      await store.software.add({ ...archive, version: '1.2.3', platform });
      await store.software.setRunning(gateway, '1.0.0', platform);
    }
    await expect(yard.begin({ what })).rejects.toMatchObject({ code: 'GATEWAY_MACHINE' });
    // One whose package came with it.
    await store.software.setRunning('g3', '1.2.3', 'linux-x64');
    const id = await yard.begin({ what, waves: [] });
    await yard.step();
    const releases = await store.software.current();
    expect(releases.map(({ gateway, platform }) => [gateway, platform])).toEqual([
      ['g1', 'linux-x64'],
      ['g2', 'linux-arm64'],
    ]);
    await store.software.setStatus(releases[0]!.digest, 'active', null, 1);
    await store.software.setStatus(releases[1]!.digest, 'rolled-back', 'SOFTWARE_DIED: three times', 1);
    await yard.step();
    expect(await yard.look(id)).toBe('failed g1=done g2=failed g3=done');
    await expect(takeBackRollout(control(id))).rejects.toMatchObject({ code: 'SOFTWARE_NOT_FOUND' });
    await store.software.add({ ...archive, version: '1.0.0', platform: 'linux-x64' });
    const back = await takeBackRollout(control(id));
    await yard.step();
    expect(await yard.look(back.id)).toBe('running g1=released');
    expect((await store.software.current())[0]).toMatchObject({
      gateway: 'g1',
      version: '1.0.0',
      counter: 2,
    });
  });

  it('ends where a gateway cannot be released to', async () => {
    const id = await yard.begin({ waves: ['1', '100%'] });
    // The broker takes smaller messages since.
    const { site, clock } = yard;
    const service = new RolloutService({
      site,
      clock,
      log: silent,
      maxMessageBytes: 5,
      reportedOf: () => null,
      onChange: () => {},
    });
    await service.step();
    expect(await yard.look(id)).toBe('failed g1=failed g2=skipped g3=skipped');
    expect(await yard.why(id, 'g1')).toBe('ANSWER_TOO_LARGE');
  });
});
