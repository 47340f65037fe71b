import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEngineInterpreter, decodeProgram, type Interpreter, verifyProgram } from '#fhe';
import type { Envelope } from '#protocol/envelope.ts';
import { encryptionSeed, type Opening, openOpening } from '#protocol/opening.ts';
import { isPrepared, pictureInputs } from '#vision/picture-input.ts';
import {
  type AuditedSite,
  answerName,
  makeAuditedSite,
  startAuditedGateway,
} from '../testing/audited-gateway.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { until } from '../testing/until.ts';

type Gateway = Awaited<ReturnType<typeof startAuditedGateway>>;

/** What an auditor has: the parts of the bundle and its own key, no key of the network. */
async function openAuditor(site: AuditedSite) {
  const part = (name: string) => new Uint8Array(readFileSync(join(site.bundle.directory, name)));
  const program = verifyProgram(decodeProgram(part('program')));
  const material = {
    ...{ program, publicKey: part('public-key'), constants: part('constants') },
    evaluationKeys: part('evaluation-keys'),
  };
  const interpreter: Interpreter = await createEngineInterpreter(material, { threads: 1 });
  const { picture: format, regions: count = 1 } = program.program;
  const audit = async (envelope: Envelope, sealed: Uint8Array | null): Promise<Opening> => {
    expect(sealed).not.toBeNull();
    const opening = await openOpening(site.auditor.privateKey, sealed!, answerName(envelope.ciphertext));
    expect(isPrepared(opening.picture, format, count, envelope.regions?.length ?? 1)).toBe(true);
    const values = pictureInputs(opening.picture, format, count);
    const again = interpreter.run(values, encryptionSeed(opening.seed, envelope)).ciphertext;
    expect(Buffer.compare(again, envelope.ciphertext)).toBe(0);
    // Under any other place it would be another encryption.
    const elsewhere = encryptionSeed(opening.seed, { ...envelope, frameTimeMs: envelope.frameTimeMs + 1 });
    expect(Buffer.compare(interpreter.run(values, elsewhere).ciphertext, envelope.ciphertext)).not.toBe(0);
    return opening;
  };
  return { audit, close: () => interpreter.close() };
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(site: AuditedSite, ...camera: [] | [Parameters<typeof startAuditedGateway>[1]]) {
  const gateway = await startAuditedGateway(site, ...camera);
  ends.push(gateway.cut);
  return gateway;
}

async function auditorOf(site: AuditedSite) {
  const auditor = await openAuditor(site);
  ends.push(auditor.close);
  return auditor;
}

const name = ({ ciphertext }: Envelope) => answerName(ciphertext);
const sent = async (gateway: Gateway, count: number) => {
  gateway.sender.backendChanged(1);
  await until('answers', () => gateway.published.length >= count);
  return gateway.published;
};

describe('an answer that the owner asks about', () => {
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-audits-'));
  let site: AuditedSite;
  beforeAll(async () => {
    site = await makeAuditedSite(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  /** The site, and a gateway that has sent nothing yet. */
  const ownData = async () => ({ ...site, data: join(await temporaryDirectory(), 'data') });

  it('is computed again, byte for byte, from what the gateway shows', async () => {
    const gateway = await start(site);
    await gateway.tellAuditor();
    await gateway.show(3);
    await gateway.show(90);
    const [one, two] = (await sent(gateway, 2)) as [Envelope, Envelope];
    const { audit } = await auditorOf(site);
    const shown = await gateway.challenge([name(two), 'ab'.repeat(32), name(one)]);
    expect(shown[1]).toBeNull();
    const openings = [await audit(two, shown[0]!), await audit(one, shown[2]!)];
    expect(openings[0]!.seed).not.toEqual(openings[1]!.seed);
    expect(openings[0]!.picture).not.toEqual(openings[1]!.picture);
    // Asked again, it answers again.
    await audit(one, (await gateway.challenge([name(one)]))[0]!);
    expect(gateway.audits.status).toMatchObject({ kept: 2, missing: 1, answered: 2, dropped: 0 });
  });

  it('is found after its receipt, after a power cut, and after both', async () => {
    const own = await ownData();
    const gateway = await start(own);
    await gateway.tellAuditor();
    const before = gateway.audits.status.kept;
    for (const shade of [1, 2, 3]) await gateway.show(shade);
    const envelopes = [...(await sent(gateway, 3))];
    const [first] = [...gateway.outbox.entries];
    await gateway.sender.received([first!.digest]);
    const { audit } = await auditorOf(own);
    const check = async (asked: Gateway) => {
      const shown = await asked.challenge(envelopes.map(name));
      for (const [i, envelope] of envelopes.entries()) await audit(envelope, shown[i]!);
    };
    await check(gateway);
    await gateway.cut();
    const second = await start(own);
    // Of the auditor nobody has told it yet: what is sealed is sealed.
    await check(second);
    expect(second.audits.status.kept).toBe(before + 3);
    // Two are of an earlier process; it signs them anew before it sends them.
    const again = await sent(second, 2);
    expect(again.map(({ historical }) => historical)).toEqual([true, true]);
    await second.sender.received([...second.outbox.entries].map(({ digest }) => digest));
    expect(second.outbox.status.waiting).toBe(0);
    await check(second);
    await second.cut();
    await check(await start(own));
  });

  it('keeps its opening when it has waited, or gets other numbers', async () => {
    const gateway = await start(await ownData());
    await gateway.tellAuditor();
    gateway.link.connected = false;
    await gateway.show(7);
    gateway.link.connected = true;
    const { session } = gateway.sessions;
    await gateway.sessions.leaveTaken(session + 5);
    const [envelope] = (await sent(gateway, 1)) as [Envelope];
    expect(envelope).toMatchObject({ historical: true, session: gateway.sessions.session });
    expect(envelope.session).not.toBe(session);
    const { audit } = await auditorOf(site);
    await audit(envelope, (await gateway.challenge([name(envelope)]))[0]!);
    await gateway.sender.received([...gateway.outbox.entries].map(({ digest }) => digest));
    await audit(envelope, (await gateway.challenge([name(envelope)]))[0]!);
  });

  it('is shown to nobody while no auditor is known, and lies on no disk', async () => {
    const own = await ownData();
    const gateway = await start(own);
    await gateway.show(40);
    const [envelope] = (await sent(gateway, 1)) as [Envelope];
    expect(await gateway.challenge([name(envelope)])).toEqual([null]);
    expect(gateway.audits.status).toMatchObject({ kept: 1, missing: 1 });
    expect(readdirSync(own.data)).not.toContain('openings');
    await gateway.tellAuditor();
    const { audit } = await auditorOf(own);
    const opening = await audit(envelope, (await gateway.challenge([name(envelope)]))[0]!);
    await gateway.show(41);
    await gateway.challenge([name(envelope)]);
    // The whole data folder: neither picture nor seed in the clear, and what is sealed is there.
    const files = readdirSync(own.data, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    const all = files.map((file) => readFileSync(join(file.parentPath, file.name)));
    const holds = (bytes: Uint8Array) => all.some((file) => file.includes(Buffer.from(bytes)));
    expect(holds(Buffer.from(name(envelope), 'hex'))).toBe(true);
    expect(holds(opening.seed)).toBe(false);
    expect(holds(opening.picture)).toBe(false);
    expect(holds(opening.picture.subarray(8, 24))).toBe(false);
  });

  it('is refused to whoever is not the owner', async () => {
    const gateway = await start(site);
    await gateway.tellAuditor();
    await gateway.show(50);
    const [envelope] = (await sent(gateway, 1)) as [Envelope];
    const refused = await gateway.ask([name(envelope)], site.signing.privateKey);
    expect(refused).toMatchObject({ status: 'failed', code: 'CHALLENGE_FOREIGN', content: null });
  });

  it('has the same bytes with any number of threads', async () => {
    const picture = Uint8Array.from({ length: 64 }, (_, i) => 4 * i);
    const place = {
      site: 'town',
      gateway: 'gate-1',
      camera: 'door',
      frameTimeMs: 1.5,
      bundle: site.bundle.digest,
    };
    const seed = () => encryptionSeed(new Uint8Array(32).fill(9), place);
    const answers = new Set<string>();
    for (const threads of [1, 2, 3]) {
      const host = await site.open(threads);
      for (let i = 0; i < 3; i++) answers.add(answerName((await host.run(picture, seed())).ciphertext));
      // Fresh randomness where none is given.
      answers.add((await host.run(picture)).ciphertext.length > 0 ? [...answers][0]! : 'nothing');
      expect(answerName((await host.run(picture)).ciphertext)).not.toBe([...answers][0]);
      await host.close();
    }
    expect(answers.size).toBe(1);
  });
});

describe('an answer about several regions, with their light normalized', () => {
  it('is computed again, also where pictures fill what is left over', async () => {
    const change = { picture: { channels: 1, height: 4, width: 8, light: 'normalize' }, regions: 2 } as const;
    const site = await makeAuditedSite(await temporaryDirectory(), change);
    const half = { y: 0, height: 1, width: 0.5 };
    const regions = [
      { name: 'left', x: 0, ...half },
      { name: 'right', x: 0.5, ...half },
      { name: 'middle', x: 0.25, ...half },
    ];
    const gateway = await start(site, { regions });
    await gateway.tellAuditor();
    await gateway.show(11, 2);
    const envelopes = (await sent(gateway, 2)) as [Envelope, Envelope];
    expect(envelopes.map((envelope) => envelope.regions)).toEqual([['left', 'right'], ['middle']]);
    const { audit } = await auditorOf(site);
    const shown = await gateway.challenge(envelopes.map(name));
    const both = await audit(envelopes[0], shown[0]!);
    expect(both.picture.subarray(0, 32)).not.toEqual(both.picture.subarray(32));
    const single = await audit(envelopes[1], shown[1]!);
    expect(single.picture.subarray(0, 32)).toEqual(single.picture.subarray(32));
  });
});
