import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBundle, makeNetwork, type TestNetwork } from './testing/make-bundle.ts';
import { makeTrust, privateKey, type TrustChanges } from './testing/make-trust.ts';
import { TestBackend } from './testing/test-backend.ts';
import { TestSite } from './testing/test-site.ts';
import { until } from './testing/until.ts';

let site: TestSite;
let backend: TestBackend;
let network: TestNetwork;
const root = privateKey();

beforeAll(async () => {
  network = await makeNetwork();
  site = await TestSite.create('  []');
  await site.startBroker();
  backend = await TestBackend.connect(site);
  await backend.announce('online');
  site.startAgent();
});

afterAll(async () => {
  await backend?.close();
  await site?.close();
});

/** What the backend of this site says; the gateway was enrolled before there was a root key. */
const message = (number: number, release: number, changes: TrustChanges = {}) =>
  makeTrust({ root, owner: site.owner.privateKey }, Date.now(), {
    introducedBy: site.owner.privateKey,
    ...changes,
    timestamp: { number, release },
  });
const release = (counter: number, key = site.owner.privateKey) => makeBundle(network, key, { counter });
type Bundle = ReturnType<typeof release>;
const bundleIs = (status: string, { digest }: Bundle) =>
  until(`${status}, is ${JSON.stringify(backend.reports.at(-1)?.bundle)}`, () => {
    const bundle = backend.reports.at(-1)?.bundle;
    return bundle?.status === status && bundle.subject === digest ? bundle : null;
  });
const trustIs = (number: number) =>
  until(`timestamp ${number}`, () => {
    const trust = backend.reports.at(-1)?.trust;
    return trust?.number === number ? trust : null;
  });

/** One story with a gateway's process and a broker: each step starts where the one before it ended. */
describe('a broker that keeps messages of before', () => {
  it('makes a gateway run nothing older, also over a restart', async () => {
    const [one, two, three] = [release(1), release(2), release(3)];
    await backend.deploy(one);
    await bundleIs('active', one);
    expect(backend.reports.at(-1)!.trust).toMatchObject({ status: 'none' });
    await backend.trust(message(1, 1));
    expect(await trustIs(1)).toMatchObject({ status: 'fresh', knowsRoot: true, ownerKeys: 1 });
    await backend.trust(message(3, 3));
    await trustIs(3);
    await backend.deploy(two);
    expect((await bundleIs('refused', two)).error).toMatchObject({ code: 'TRUST_OLD' });
    await backend.deploy(three);
    await bundleIs('active', three);

    await site.stopAgent('SIGKILL');
    await backend.trust(message(1, 1));
    await backend.deploy(one);
    site.startAgent();
    expect((await bundleIs('refused', one)).error).toMatchObject({ code: 'BUNDLE_COUNTER' });
    const report = await until('the older timestamp', () => {
      const last = backend.reports.at(-1);
      return last?.trust?.error?.code === 'TRUST_OLD' ? last : null;
    });
    expect(report.trust).toMatchObject({ status: 'fresh', number: 3 });
    expect(report.bundle.active).toBe(three.digest);
  });

  it('does not help whoever stole the owner key: the root replaces it from afar', async () => {
    const second = privateKey();
    const [forged, good] = [release(9), release(4, second)];
    await backend.trust(message(4, 4, { owners: [second], list: { version: 2 } }));
    await until('the list', () => backend.reports.at(-1)?.trust?.ownerKeys === 2);
    await backend.deploy(forged);
    expect((await bundleIs('refused', forged)).error).toMatchObject({ code: 'BUNDLE_SIGNATURE' });
    await backend.trust(message(99, 1));
    await until('the refusal', () => backend.events.some(({ code }) => code === 'TRUST_OLD'));
    await backend.deploy(good);
    await bundleIs('active', good);
    expect(backend.reports.at(-1)!.trust).toMatchObject({ number: 4, ownerKeys: 2 });
  });
});
