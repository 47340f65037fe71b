import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeAuditorKey, verifyAuditorKey } from '#protocol/auditor-key.ts';
import { decodeChallenge, verifyChallenge } from '#protocol/challenge.ts';
import { SECRETS } from '../sealing/identities.ts';
import { AuditedSite } from '../testing/audited-site.ts';
import { makeDecryptingSite } from '../testing/decrypting-site.ts';
import { OpeningGateway } from '../testing/opening-gateway.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';

const DAY_MS = 86_400_000;

describe('audits of answers', () => {
  let network: TinyNetwork;
  let audited: AuditedSite;
  let gateway: OpeningGateway;
  beforeAll(async () => {
    network = await makeTinyNetwork();
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    audited = new AuditedSite(await makeDecryptingSite(network));
    await audited.start();
    gateway = await OpeningGateway.make(audited.at, network, { now: () => audited.clock.now() });
  });
  afterEach(async () => {
    await gateway.close();
    await audited.close();
  });

  /** Sends so many answers, which are decrypted at once. */
  const send = async (count = 1, changes = {}) => {
    for (let i = 0; i < count; i++) await gateway.send(changes);
    await audited.decrypt();
  };
  const codes = async () => (await audited.at.site.store.journal.latest(20)).map(({ code }) => code);

  it('are equal for a gateway that ran the network, and the owner signed what it is asked and to whom it seals', async () => {
    for (let i = 0; i < 3; i++) await gateway.send({ picture: Uint8Array.of(i, 255 - i) });
    await audited.decrypt();
    const challenges = await audited.ask();
    expect(challenges).toHaveLength(1);
    const decoded = decodeChallenge(challenges[0]!);
    expect(decoded.challenge.answers).toHaveLength(3);
    expect(verifyChallenge(decoded, audited.at.site.ownerPublicKey)).toBe(true);
    const key = decodeAuditorKey(audited.auditorKey);
    expect(verifyAuditorKey(key, audited.at.site.ownerPublicKey)).toBe(true);
    await audited.answer(gateway, challenges);
    expect(await audited.counts()).toMatchObject({ equal: 3, unequal: 0, missing: 0, waiting: 0 });
    expect(await audited.quarantine()).toBeNull();
    expect(await audited.ask(20_000)).toEqual([]);
  });

  it('are unequal for an answer that its network did not compute, which is a proof', async () => {
    const honest = await gateway.send();
    // The same ciphertext under another date: a replay.
    await gateway.send({ ciphertext: honest.ciphertext, frameTimeMs: honest.frameTimeMs - 1 });
    await audited.decrypt();
    await audited.answer(gateway, await audited.ask());
    expect(await audited.counts()).toMatchObject({ equal: 1, unequal: 1, missing: 0 });
    expect(await audited.quarantine()).toContain('an audit proved that its network did not compute');
    expect(await codes()).toEqual(expect.arrayContaining(['AUDIT_UNEQUAL', 'GATEWAY_QUARANTINED']));
  });

  it.each<[string, object]>([
    ['another picture', { picture: Uint8Array.of(1, 255) }],
    ['another seed', { seed: new Uint8Array(32) }],
    ['a picture of another size', { picture: Uint8Array.of(0, 255, 0, 255) }],
  ])('are unequal where a gateway shows %s', async (_, lie) => {
    await send();
    gateway.show = (opening) => ({ ...opening!, ...lie });
    await audited.answer(gateway, await audited.ask());
    expect(await audited.counts()).toMatchObject({ equal: 0, unequal: 1 });
    expect(await audited.quarantine()).not.toBeNull();
  });

  it.each<[string, Uint8Array | null]>([
    ['nothing', null],
    ['bytes that do not open', new Uint8Array(randomBytes(100))],
  ])(
    'miss an opening where a gateway shows %s; three challenges in a row bring it into quarantine',
    async (_, shown) => {
      gateway.show = () => shown;
      for (let i = 1; i <= 3; i++) {
        expect(await audited.quarantine()).toBeNull();
        await send(2);
        await audited.answer(gateway, await audited.ask());
        expect(await audited.counts()).toMatchObject({ missing: 2 * i, waiting: 0 });
      }
      expect(await audited.quarantine()).toContain('3 times in a row');
      expect(await codes()).toContain('AUDIT_MISSING');
    },
  );

  it('begin the row anew with a challenge that was answered, but bound what may be missing in a day', async () => {
    let challenges = 0;
    while ((await audited.quarantine()) === null && challenges < 40) {
      challenges += 1;
      // Lies, is silent when asked, and is honest for a while.
      gateway.show = (opening) => (challenges % 2 === 1 ? null : opening);
      await send();
      await audited.answer(gateway, await audited.ask());
    }
    expect(await audited.counts()).toMatchObject({ missing: 7, equal: 6 });
    expect(await audited.quarantine()).toContain('7 of its answers within a day');
  });

  it('ask nothing of answers that are kept in quarantine, before they are released', async () => {
    const { store } = audited.at.site;
    await store.gateways.quarantine('gate', 'test', 1);
    await send();
    expect(await audited.ask()).toEqual([]);
    await store.gateways.release('gate');
    await store.held.takeBack(10, 200);
    await audited.decrypt();
    await audited.answer(gateway, await audited.ask());
    expect(await audited.counts()).toMatchObject({ equal: 1 });
  });

  it('punish nobody who is away, and take the answer of one who comes back after days', async () => {
    await send();
    const [first] = await audited.ask();
    for (let day = 0; day < 3; day++) await audited.ask(DAY_MS);
    expect(await audited.counts()).toMatchObject({ missing: 0, waiting: 1 });
    // It is back, and what it sends first arrives before it can have answered.
    await audited.clock.advance(5000);
    await audited.service.gatewayUp('gate');
    await send();
    const challenges = await audited.ask(1000);
    expect(await audited.counts()).toMatchObject({ missing: 0 });
    expect(challenges).toContainEqual(first);
    await audited.ask(2000).then((more) => audited.answer(gateway, [...challenges, ...more]));
    expect(await audited.counts()).toMatchObject({ equal: 2, missing: 0 });
  });

  it('miss what a gateway does not answer while it goes on sending', async () => {
    await send();
    expect(await audited.ask()).toHaveLength(1);
    await audited.clock.advance(29_000);
    await send();
    await audited.ask(0);
    expect(await audited.counts()).toMatchObject({ missing: 0 });
    await audited.clock.advance(1000);
    await send();
    await audited.ask(0);
    expect(await audited.counts()).toMatchObject({ missing: 1 });
  });

  it('do not let a gateway put off its answer by connecting again and again', async () => {
    await send();
    await audited.ask();
    for (let i = 0; i < 8; i++) {
      await audited.clock.advance(29_000);
      await send();
      await audited.service.gatewayUp('gate');
      await audited.ask(0);
    }
    expect((await audited.counts())!.missing).toBeGreaterThan(0);
  });

  it('go on after a restart with challenges and openings under way, and count each answer once', async () => {
    await send(2);
    const [challenge] = await audited.ask();
    await audited.start();
    // The answer to the challenge of before; repeatedly.
    const again = await audited.ask(0);
    expect(again.map((wire) => decodeChallenge(wire).challenge.id)).toEqual([
      decodeChallenge(challenge!).challenge.id,
    ]);
    for (const message of await gateway.answer(challenge!, audited.auditorKey)) {
      audited.hear(message);
      audited.hear(message);
    }
    await audited.service.idle();
    expect(await audited.counts()).toMatchObject({ equal: 0, waiting: 2 });
    await audited.start();
    await audited.service.judge();
    await audited.answer(gateway, [challenge!]);
    expect(await audited.counts()).toMatchObject({ equal: 2, unequal: 0, missing: 0, waiting: 0 });
  });

  it('believe nobody who answers for another gateway', async () => {
    await send();
    const [challenge] = await audited.ask();
    const other = await audited.at.enrol('other');
    const liar = await OpeningGateway.make(audited.at, network, { gateway: other });
    const { id } = decodeChallenge(challenge!).challenge;
    for (const { payload } of liar.sign(id, {
      ...{ status: 'done', code: null, message: '', content: null },
    }))
      audited.hear({ topic: `blindsight/v1/yard/gate/answer/audit/${id}`, payload });
    await liar.close();
    await audited.service.judge();
    expect(await audited.counts()).toMatchObject({ missing: 0, waiting: 1 });
  });

  it('never blame a gateway for trouble of the site', async () => {
    await send();
    const { site } = audited.at;
    const challenges = await audited.ask();
    const [model] = await site.store.models.list();
    const { sha256 } = model!.parts.find(({ name }) => name === 'constants')!;
    const bytes = await site.blobs.get(sha256);
    await site.blobs.remove(sha256);
    await audited.answer(gateway, challenges);
    expect(await audited.counts()).toMatchObject({ missing: 0, unequal: 0, waiting: 1, undone: 1 });
    await site.blobs.put(bytes);
    await audited.service.judge();
    expect(await audited.counts()).toMatchObject({ equal: 1, waiting: 0, undone: 0 });
  });

  it('hold a key of openings and the secret key of no network', async () => {
    const { store, vault } = audited.at.site;
    const asked: string[] = [];
    const fetch = vault.fetch.bind(vault);
    vault.fetch = (from, identity) => {
      asked.push(identity);
      return fetch(from, identity);
    };
    await audited.start({
      decryptor: { prepare: async () => {}, decrypt: async () => ({ kind: 'refused' }) },
    });
    await send();
    await audited.answer(gateway, await audited.ask());
    expect(await audited.counts()).toMatchObject({ equal: 1 });
    expect(new Set(asked)).toEqual(
      new Set([SECRETS.auditorKey, SECRETS.auditSelectionKey, SECRETS.ownerSigningKey]),
    );
    expect(await store.secrets.get(SECRETS.auditorKey)).not.toBeNull();
  });
});
