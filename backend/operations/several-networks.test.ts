import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeManifest, manifestDigest } from '#protocol/manifest.ts';
import type { Reported, ReportedBundle } from '#protocol/messages.ts';
import { MAX_NETWORKS } from '#protocol/names.ts';
import { decodeTrust } from '#protocol/trust-message.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { assignNetwork } from '../configuration/assign-network.ts';
import { pushConfiguration } from '../configuration/push-configuration.ts';
import { DeploymentService } from '../deployment/deployment-service.ts';
import { RolloutService } from '../rollout/rollout-service.ts';
import { startRollout } from '../rollout/start-rollout.ts';
import { enrolTestGateway, keepTestModel, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { TrustService } from '../trust/trust-service.ts';
import { deployModel, repeatDeployments } from './deploy-model.ts';
import type { NetworkPlace } from './network-place.ts';
import { removeGateway } from './remove-gateway.ts';
import { retireModel } from './retire-model.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const PREFIX = 'blindsight/v1/yard';

let site: TestSite;
beforeAll(async () => {
  site = await makeTestSite();
  for (const name of ['counter', 'digits', 'carpark']) await keepTestModel(site, name);
});
afterAll(() => site.close());

const deploy = (gateway: string, model: string, place?: NetworkPlace) =>
  deployModel({ site, model, gateway, keys: 'common', ...(place && { place }) });

/** What each network of a gateway should be, the default one first. */
const current = async (gateway: string) =>
  (await site.store.deployments.currentOf(gateway)).map(({ model, beside }) =>
    beside ? `+${model}` : model,
  );

/** What services publish, newest by topic. */
function retained() {
  const messages = new Map<string, Uint8Array>();
  const link = {
    connected: true,
    publish: async (topic: string, payload: Uint8Array | string) =>
      void messages.set(topic, Uint8Array.from(Buffer.from(payload))),
  };
  return { messages, link };
}

function reportOf(digest: string, status: ReportedBundle['status']): ReportedBundle {
  return { status, active: digest, previous: null, counter: 1, progress: 1, subject: digest, error: null };
}

const report = (bundle: ReportedBundle, networks?: Reported['networks']): Reported => ({
  ...{ time: '2026-01-01T00:00:00.000Z', session: 1, bundle },
  ...(networks !== undefined && { networks }),
});

describe('networks of one gateway', () => {
  it('are where they were put, and stay there in later releases', async () => {
    await enrolTestGateway(site, 'gate');
    await deploy('gate', 'counter');
    const beside = await deploy('gate', 'carpark', 'beside');
    expect(decodeManifest(beside.manifest).manifest).toMatchObject({
      model: 'carpark',
      beside: true,
      counter: 2,
    });
    expect(await current('gate')).toEqual(['counter', '+carpark']);
    // It is there already.
    await deploy('gate', 'counter', 'beside');
    await deploy('gate', 'carpark');
    expect(await current('gate')).toEqual(['counter', '+carpark']);
    // Another one takes the place of the default one.
    const { manifest } = await deploy('gate', 'digits');
    expect(decodeManifest(manifest).manifest).not.toHaveProperty('beside');
    expect(await current('gate')).toEqual(['digits', '+carpark']);
    await deploy('gate', 'carpark', 'default');
    expect(await current('gate')).toEqual(['carpark', '+carpark']);
    await deploy('gate', 'counter');
    expect(await current('gate')).toEqual(['counter', '+carpark']);
    expect(await repeatDeployments({ site })).toEqual([]);
    expect(await current('gate')).toEqual(['counter', '+carpark']);
  });

  it('are refused by a gateway that is too old, and where there are too many', async () => {
    await enrolTestGateway(site, 'old');
    await site.store.gateways.setSeveral('old', false);
    await expect(deploy('old', 'carpark', 'beside')).rejects.toMatchObject({ code: 'GATEWAY_TOO_OLD' });
    await deploy('old', 'carpark');
    await enrolTestGateway(site, 'full');
    const names = Array.from({ length: MAX_NETWORKS }, (_, i) => `net-${i}`);
    for (const name of names) {
      await keepTestModel(site, name);
      await deploy('full', name, 'beside');
    }
    await expect(deploy('full', 'carpark', 'beside')).rejects.toMatchObject({ code: 'GATEWAY_NETWORKS' });
    await deploy('full', 'net-3');
    await retireModel({ site, model: 'net-3', version: 1, graceMs: 0 });
    await deploy('full', 'carpark', 'beside');
  });

  it('have a topic each, and reports each', async () => {
    await enrolTestGateway(site, 'each');
    const [counter, carpark] = [await deploy('each', 'counter'), await deploy('each', 'carpark', 'beside')];
    const { messages, link } = retained();
    const clock = new SimulatedClock();
    const service = new DeploymentService({
      ...{ store: site.store, site: 'yard', clock, log, link, onChange: () => {} },
    });
    await service.publishReleases();
    const topic = `${PREFIX}/each/bundle/manifest`;
    expect(manifestDigest(messages.get(topic)!)).toBe(counter.digest);
    expect(manifestDigest(messages.get(`${topic}/carpark`)!)).toBe(carpark.digest);
    const networks = [{ network: 'carpark', ...reportOf(carpark.digest, 'fetching') }];
    await service.reported('each', report(reportOf(counter.digest, 'active'), networks));
    expect(await site.store.deployments.currentOf('each')).toMatchObject([
      { model: 'counter', status: 'active' },
      { model: 'carpark', status: 'fetching' },
    ]);
    expect(await site.store.gateways.get('each')).toMatchObject({ several: true });
    await service.reported('each', report(reportOf(counter.digest, 'active')));
    expect(await site.store.gateways.get('each')).toMatchObject({ several: false });
    await removeGateway(site, 'each');
    await service.publishReleases();
    expect([topic, `${topic}/carpark`].map((one) => messages.get(one)!.length)).toEqual([0, 0]);
  });

  it('are in the timestamp of a gateway that knows several, and of no other', async () => {
    await enrolTestGateway(site, 'timed');
    await deploy('timed', 'carpark', 'beside');
    await deploy('timed', 'counter');
    await deploy('timed', 'carpark');
    const { messages, link } = retained();
    const clock = new SimulatedClock(Date.UTC(2027, 0, 1));
    const service = new TrustService({ site, link, clock, log, signMs: 3_600_000, validMs: 7_200_000 });
    const timestamp = async () => {
      await service.publishTrust();
      return decodeTrust(messages.get(`${PREFIX}/timed/trust`)!).timestamp.timestamp;
    };
    expect(await timestamp()).not.toHaveProperty('networks');
    expect(await timestamp()).toMatchObject({ release: 2 });
    await site.store.gateways.setSeveral('timed', true);
    expect(await timestamp()).toMatchObject({ release: 2, networks: { carpark: 3 } });
    await site.store.gateways.setSeveral('timed', false);
    expect(await timestamp()).not.toHaveProperty('networks');
  });

  it('are rolled out one by one: a release of another network is not in the way', async () => {
    await enrolTestGateway(site, 'wave');
    await deploy('wave', 'counter');
    const first = await deploy('wave', 'carpark', 'beside');
    await site.store.deployments.setStatus(first.digest, 'active', null, 1);
    await keepTestModel(site, 'carpark');
    const clock = new SimulatedClock();
    const { id } = await startRollout({
      ...{
        site,
        clock,
        what: { kind: 'model', name: 'carpark' },
        to: ['wave'],
        author: 'ann',
        keys: 'common',
      },
    });
    const service = new RolloutService({ site, clock, log, reportedOf: () => null, onChange: () => {} });
    await deploy('wave', 'digits');
    await service.step();
    expect(await site.store.rollouts.gateways(id)).toMatchObject([
      { state: 'released', beside: true, earlier: { name: 'carpark', version: '1' } },
    ]);
    expect(await current('wave')).toEqual(['digits', '+carpark']);
    await deploy('wave', 'counter');
    const [, newest] = await site.store.deployments.currentOf('wave');
    await site.store.deployments.setStatus(newest!.digest, 'active', null, 2);
    await service.step();
    expect(await site.store.rollouts.get(id)).toMatchObject({ state: 'done' });
  });

  it('are named by cameras: with everything else in the settings as it was', async () => {
    await enrolTestGateway(site, 'named');
    const assign = (camera: string, network: string | null) =>
      assignNetwork({ site, camera, network, author: 'ann' });
    await expect(assign('lot', 'carpark')).rejects.toMatchObject({ code: 'CAMERA_NOT_FOUND' });
    const settings =
      '# By the gate.\ncameras:\n  - name: lot # and yard\n    url: rtsp://10.0.0.21/stream1\n';
    await pushConfiguration({ site, gateway: 'named', settings, origin: 'file', author: 'ann' });
    const pushed = await assign('lot', 'carpark');
    expect(pushed?.warnings).toEqual([
      'camera lot waits for network carpark: `blindsight deploy carpark named --beside`',
    ]);
    await deploy('named', 'carpark', 'beside');
    expect(await assign('lot', 'carpark')).toBeNull();
    expect((await assign('lot', 'digits'))?.record.version).toBe(3);
    expect((await assign('lot', 'carpark'))?.warnings).toEqual([]);
    const text = Buffer.from((await site.store.configurations.newest('named'))!.wire).toString('latin1');
    expect(text).toContain(`${settings}    network: carpark\n`);
    await assign('lot', null);
    expect(Buffer.from((await site.store.configurations.newest('named'))!.wire).toString('latin1')).toContain(
      settings,
    );
    await expect(assign('yard', 'carpark')).rejects.toMatchObject({ code: 'CAMERA_NOT_FOUND' });
  });
});
