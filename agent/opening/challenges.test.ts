import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Challenge, decodeOpenings, signChallenge } from '#protocol/challenge.ts';
import {
  CONTENT_MAX_BYTES,
  type CommandAnswer,
  decodeAnswerPart,
  joinAnswer,
} from '#protocol/command-answer.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { Challenges } from './challenges.ts';

const owner = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const ID = '0123456789abcdef'.repeat(2);
const nameOf = (byte: number) => byte.toString(16).padStart(2, '0').repeat(32);

/** Opening i has i kilobytes. */
function bench() {
  const lines: string[] = [];
  const clock = new SimulatedClock();
  const said: { readonly id: string; readonly part: ReturnType<typeof decodeAnswerPart>['part'] }[] = [];
  const challenges = new Challenges({
    ...{ site: 'town', gateway: 'gate-1', clock },
    ownerKeys: () => [owner.publicKey],
    signingKey: generateKeyPairSync('ed25519').privateKey,
    openings: {
      find: async (answer) => {
        const kilobytes = Number.parseInt(answer.slice(0, 2), 16);
        return kilobytes === 0 ? null : new Uint8Array(kilobytes * 1024).fill(kilobytes);
      },
    },
    publish: async (_, id, wire) => void said.push({ id, part: decodeAnswerPart(wire).part }),
    log: createLogger({
      ...({ name: 'test', level: 'warn', format: 'json' } as const),
      destination: { write: (line: string) => void lines.push(line) },
    }),
  });
  const answered = async (): Promise<CommandAnswer> => {
    await challenges.idle();
    const parts = said.splice(0).map(({ part }) => part);
    return joinAnswer(
      parts.map(({ data }) => data),
      parts[0]!.digest,
    );
  };
  return { challenges, clock, lines, said, answered };
}

const challenge = (change: Partial<Challenge> = {}): Challenge => ({
  ...({ schema: 1, site: 'town', gateway: 'gate-1', id: ID, createdMs: 0 } as const),
  answers: [nameOf(1)],
  ...change,
});

describe('Challenges', () => {
  it.each<[string, string, Uint8Array]>([
    ['bytes that are none', 'CHALLENGE_INVALID', new Uint8Array([1, 2, 3])],
    ['one of a stranger', 'CHALLENGE_FOREIGN', signChallenge(challenge(), other.privateKey)],
    [
      'one for another site',
      'CHALLENGE_FOREIGN',
      signChallenge(challenge({ site: 'village' }), owner.privateKey),
    ],
    [
      'one for another gateway',
      'CHALLENGE_FOREIGN',
      signChallenge(challenge({ gateway: 'gate-2' }), owner.privateKey),
    ],
    [
      'one on the topic of another',
      'CHALLENGE_FOREIGN',
      signChallenge(challenge({ id: ID.replace('0', '1') }), owner.privateKey),
    ],
  ])('shows nothing for %s', async (_, code, wire) => {
    const { challenges, lines, answered } = bench();
    challenges.receive(ID, wire);
    expect(await answered()).toMatchObject({ status: 'failed', code, content: null });
    for (let i = 0; i < 5; i++) challenges.receive(ID, wire);
    await challenges.idle();
    expect(lines).toHaveLength(1);
    expect(challenges.status).toEqual({ answered: 0, ignored: 0 });
  });

  it('ignores what is not on a topic of challenges', async () => {
    const { challenges, said } = bench();
    challenges.receive('x', signChallenge(challenge(), owner.privateKey));
    await challenges.idle();
    expect(said).toEqual([]);
  });

  it('leaves out what an answer has no room for, and keeps the order', async () => {
    const { challenges, answered } = bench();
    const sizes = [250, 0, ...new Array<number>(10).fill(200), 1];
    challenges.receive(ID, signChallenge(challenge({ answers: sizes.map(nameOf) }), owner.privateKey));
    const { content } = await answered();
    expect(content!.bytes.length).toBeLessThanOrEqual(CONTENT_MAX_BYTES);
    const shown = decodeOpenings(content!.bytes).map((sealed) => (sealed?.length ?? 0) / 1024);
    expect(shown).toEqual([250, 0, ...new Array<number>(8).fill(200), 0, 0, 1]);
  });

  it('answers few a second, whoever asks', async () => {
    const { challenges, clock } = bench();
    const wire = signChallenge(challenge(), owner.privateKey);
    for (let i = 0; i < 50; i++) challenges.receive(ID, wire);
    await challenges.idle();
    expect(challenges.status).toEqual({ answered: 10, ignored: 40 });
    await clock.advance(1000);
    challenges.receive(ID, wire);
    await challenges.idle();
    expect(challenges.status).toEqual({ answered: 11, ignored: 40 });
  });
});
