import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeChallenge } from '#protocol/challenge.ts';
import type { Opening } from '#protocol/opening.ts';
import { AuditedSite } from '../testing/audited-site.ts';
import { makeDecryptingSite } from '../testing/decrypting-site.ts';
import { OpeningGateway } from '../testing/opening-gateway.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';

const PICTURES = [0, 1, 2, 3].map((i) => Uint8Array.of(20 * i, 255 - 20 * i));

describe('audits of answers that were gathered', () => {
  let network: TinyNetwork;
  let audited: AuditedSite;
  let gateway: OpeningGateway;
  beforeAll(async () => {
    network = await makeTinyNetwork({ period: 256 });
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

  it('compute all of them again, and are equal for a gateway that did; further ones are given to nobody', async () => {
    await gateway.sendGathered(PICTURES);
    await gateway.send();
    await audited.decrypt();
    expect(audited.at.results).toHaveLength(5);
    const challenges = await audited.ask();
    expect(decodeChallenge(challenges[0]!).challenge.answers).toHaveLength(2);
    await audited.answer(gateway, challenges);
    expect(await audited.counts()).toMatchObject({ equal: 2, unequal: 0, missing: 0, waiting: 0 });
    expect(await audited.quarantine()).toBeNull();
  });

  it.each([0, 1, 3])('are unequal where one of them, number %i, is a lie', async (liar) => {
    const other = network.answer([0.9, 0.1]);
    await gateway.sendGathered(PICTURES, { forge: (answer, i) => (i === liar ? other : answer) });
    await audited.decrypt();
    expect(audited.at.results).toHaveLength(4);
    await audited.answer(gateway, await audited.ask());
    expect(await audited.counts()).toMatchObject({ equal: 0, unequal: 1 });
    expect(await audited.quarantine()).toContain('an audit proved that its network did not compute');
  });

  it.each<[string, (opening: Opening) => Opening]>([
    ['fewer answers', ({ picture, seed }) => ({ picture: picture.slice(2), seed: seed.slice(32) })],
    ['another order', ({ picture, seed }) => ({ picture: picture.toReversed(), seed })],
    ['a seed of another', ({ picture, seed }) => ({ picture, seed: seed.slice().copyWithin(0, 32, 64) })],
    ['pictures of another size', ({ picture, seed }) => ({ picture: picture.slice(0, 4), seed })],
  ])('are unequal where the opening has %s', async (_, lie) => {
    await gateway.sendGathered(PICTURES);
    await audited.decrypt();
    gateway.show = (opening) => lie(opening!);
    await audited.answer(gateway, await audited.ask());
    expect(await audited.counts()).toMatchObject({ equal: 0, unequal: 1 });
  });

  it('find a gateway that says there are more answers than it computed', async () => {
    const three = PICTURES.slice(0, 3);
    const nothing = (answer: Uint8Array) => answer.map((byte, i) => (i < 32 ? byte : 0));
    await gateway.sendGathered([...three, PICTURES[3]!], {
      forge: (answer, i) => (i === 3 ? nothing(answer) : answer),
    });
    await audited.decrypt();
    expect(audited.at.results).toHaveLength(4);
    await audited.answer(gateway, await audited.ask());
    expect(await audited.counts()).toMatchObject({ unequal: 1 });
  });
});
