import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeEnvelope, envelopeDigest } from '#protocol/envelope.ts';
import { systemClock } from '#runtime/clock.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { NotedTracer } from '#runtime/testing/noted-tracer.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { EnvelopeTraces } from './envelope-traces.ts';

const STAGES = ['wait', 'check', 'decrypt', 'settle'];

describe('traces in the backend', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;

  beforeAll(async () => {
    network = await makeTinyNetwork({ weight: 12 });
    bench = await makeDecryptingSite(network);
  });
  afterAll(async () => {
    await bench.close();
    await network.close();
  });

  it('are the same of every envelope of a batch, whatever came of it', async () => {
    const tracer = new NotedTracer();
    const traces = new EnvelopeTraces({ tracer, site: 'yard', clock: systemClock });
    const given = network.answer([0.2, 0.7]);
    const withheld = network.answer([1, 0.1]);
    const { privateKey: stranger } = generateKeyPairSync('ed25519');
    const receivedMs = Date.now();
    const put = (sequence: number, ciphertext: Uint8Array, camera = 'door') =>
      bench.put({ sequence, ciphertext, camera }, undefined, { receivedMs });
    await put(0, given);
    await put(1, withheld);
    // Not of this form, of another one's signature, of another camera than that of its topic.
    const otherParameters = Uint8Array.from(given);
    otherParameters[8]! ^= 1;
    await put(2, otherParameters);
    const forged = encodeEnvelope(bench.makeEnvelope({ sequence: 3, ciphertext: given }), stranger);
    await bench.putBytes(forged, { receivedMs });
    await bench.put({ sequence: 4, ciphertext: given }, undefined, { receivedMs, camera: 'hall' });
    await bench.putBytes(new Uint8Array(100), { receivedMs });

    await drain(bench, bench.makeProcessor({ traces }));
    expect(await bench.site.store.counters.all()).toMatchObject({
      ...{ accepted: 1, withheld: 1, 'refused.ciphertext': 1 },
      ...{ 'refused.signature': 1, 'refused.topic': 1, 'refused.malformed': 1 },
    });
    expect(tracer.places).toHaveLength(5);
    const told = [0, 1, 2, 3, 4].map((sequence) =>
      tracer.of({ site: 'yard', gateway: 'gate', session: 1, sequence }),
    );
    expect(told[0]!.map(({ stage }) => stage)).toEqual(STAGES);
    expect(told[0]!.every(({ facts }) => JSON.stringify(facts) === '{"gateway":"gate"}')).toBe(true);
    for (const spans of told) expect(spans).toEqual(told[0]);
    const [wait, check, decrypt, settle] = told[0]!;
    expect(wait!.fromMs).toBe(receivedMs);
    expect(wait!.toMs).toBe(check!.fromMs);
    expect(check!.toMs).toBeLessThanOrEqual(decrypt!.fromMs);
    expect(decrypt!.toMs).toBe(settle!.fromMs);
  });

  it('of a gateway that chooses its numbers so that all are traced leave room for those of others', () => {
    const tracer = new NotedTracer();
    const traces = new EnvelopeTraces({ tracer, site: 'yard', clock: new SimulatedClock() });
    const arrival = (gateway: string, sequence: number) => {
      const made = { ...bench.makeEnvelope({ sequence, gateway }), ciphertext: new Uint8Array(9) };
      const envelope = encodeEnvelope(made, bench.gateway.signingKey);
      return { gateway, camera: 'door', receivedMs: 1, envelope, digest: envelopeDigest(envelope) };
    };
    const flood = Array.from({ length: 100 }, (_, i) => arrival('liar', i));
    for (let i = 0; i < 40; i++) traces.kept(flood);
    traces.kept([arrival('gate', 1)]);
    const told = flood.reduce(
      (sum, _, sequence) => sum + tracer.of({ site: 'yard', gateway: 'liar', session: 1, sequence }).length,
      0,
    );
    expect(told).toBe(2400);
    expect(tracer.of({ site: 'yard', gateway: 'gate', session: 1, sequence: 1 })).toMatchObject([
      { stage: 'receive' },
    ]);
  });
});
