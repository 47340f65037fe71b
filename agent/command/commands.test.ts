import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Command, signCommand } from '#protocol/command.ts';
import {
  type AnswerPart,
  type CommandAnswer,
  decodeAnswerPart,
  joinAnswer,
  verifyAnswerPart,
} from '#protocol/command-answer.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { CommandJournal, MAX_KEPT_BYTES, MAX_REMEMBERED } from './command-journal.ts';
import { type CommandHandlers, Commands } from './commands.ts';

const log = createLogger({ name: 'agent', level: 'error', format: 'json', destination: { write: () => {} } });
const owner = generateKeyPairSync('ed25519');
const second = generateKeyPairSync('ed25519');
const signing = generateKeyPairSync('ed25519');
const START = Date.UTC(2026, 0, 1);

describe('commands of a gateway', () => {
  let folder: string;
  let clock: SimulatedClock;
  /** How far the wall clock was set, ms. */
  let shift: number;
  let commands: Commands;
  let journal: CommandJournal;
  /** What was carried out. */
  let done: string[];
  let isLinked: boolean;
  let parts: AnswerPart[];
  let content: Uint8Array;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blindsight-commands-'));
    clock = new SimulatedClock(START);
    shift = 0;
    done = [];
    parts = [];
    isLinked = true;
    content = new Uint8Array([1]);
    await start();
  });
  afterEach(async () => {
    await commands.close();
    await rm(folder, { recursive: true });
  });

  const handlers: CommandHandlers = {
    restart: async () => {
      done.push('restart');
      return null;
    },
    'log-level': async ({ level, forSeconds }) => {
      done.push(`${level} ${forSeconds}`);
      return { message: 'so it is' };
    },
    logs: async ({ lines }) => {
      done.push(`logs ${lines}`);
      return { message: 'here', content: { mediaType: 'text/plain', bytes: content } };
    },
    diagnostics: async () => {
      throw new Error('no room');
    },
  };

  const wall: Clock = {
    now: () => clock.now() + shift,
    monotonic: () => clock.monotonic(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };

  /** A process that starts on what is on disk; the one before it is just gone. */
  async function start(with_: Partial<CommandHandlers> = {}): Promise<void> {
    journal = await CommandJournal.open(folder, wall);
    commands = await Commands.open({
      ...{ site: 'town', gateway: 'gate-1', journal, clock: wall, log },
      ownerKeys: () => [owner.publicKey, second.publicKey],
      signingKey: signing.privateKey,
      handlers: { ...handlers, ...with_ },
      publish: async (type, id, wire) => {
        if (!isLinked) throw new BlindsightError('LINK_DOWN', 'down');
        const decoded = decodeAnswerPart(wire);
        expect(verifyAnswerPart(decoded, signing.publicKey)).toBe(true);
        expect(decoded.part).toMatchObject({ type, id, site: 'town', gateway: 'gate-1' });
        parts.push(decoded.part);
      },
      started: () => 'restarted; session 7',
    });
  }
  const newId = () => randomBytes(16).toString('hex');
  const command = (change: Partial<Command> = {}): Command => ({
    ...{ schema: 1, site: 'town', gateway: 'gate-1', id: newId(), type: 'logs', arguments: {} },
    ...{ createdMs: wall.now(), expiresMs: wall.now() + 60_000, ...change },
  });
  const give = async (
    given: Command,
    { key = owner.privateKey, type = given.type, id = given.id, wire = signCommand(given, key) } = {},
  ) => {
    commands.receive(type, id, wire);
    await settled();
    return wire;
  };
  /** Everything that was given so far is dealt with. */
  const settled = async () => {
    await commands.idle();
  };
  const answers = (): CommandAnswer[] =>
    parts
      .filter(({ number }) => number === 0)
      .map((first) => {
        const own = parts.filter(({ id, digest }) => id === first.id && digest === first.digest);
        return joinAnswer(
          own.slice(0, first.count).map(({ data }) => data),
          first.digest,
        );
      });
  const codes = () => answers().map(({ code }) => code);

  it('are carried out with their defaults, answered, and answered the same when they come again', async () => {
    const given = command();
    const wire = await give(given);
    expect(done).toEqual(['logs 200']);
    expect(answers()).toEqual([
      { status: 'done', code: null, message: 'here', content: { mediaType: 'text/plain', bytes: content } },
    ]);
    for (let i = 0; i < 5; i++) await give(given, { wire });
    expect(done).toEqual(['logs 200']);
    expect(new Set(parts.map(({ digest }) => digest)).size).toBe(1);
    await give(command({ type: 'log-level', arguments: { level: 'debug', forSeconds: 60 } }), {
      key: second.privateKey,
    });
    expect(done.at(-1)).toBe('debug 60');
  });

  it('answer in parts what one message does not hold', async () => {
    content = randomBytes(150_000);
    await give(command());
    expect(parts.map(({ number, count }) => [number, count])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
    expect(answers()[0]?.content?.bytes).toEqual(new Uint8Array(content));
  });

  it.each<[string, string, Partial<Command>, object?]>([
    ['of a foreign site', 'COMMAND_FOREIGN', { site: 'city' }],
    ['to another gateway', 'COMMAND_FOREIGN', { gateway: 'gate-2' }],
    ['of another key', 'COMMAND_FOREIGN', {}, { key: signing.privateKey }],
    ['on the topic of another', 'COMMAND_FOREIGN', {}, { type: 'restart' }],
    ['under another id', 'COMMAND_FOREIGN', {}, { id: 'f'.repeat(32) }],
    ['that is none', 'COMMAND_INVALID', {}, { wire: new Uint8Array([1, 2, 3]) }],
    ['that has expired', 'COMMAND_EXPIRED', { createdMs: START - 9, expiresMs: START }],
    ['that this version does not know', 'COMMAND_UNKNOWN', { type: 'dance' }],
    ['with an argument that it does not take', 'COMMAND_INVALID', { arguments: { words: 3 } }],
    ['with an absurd argument', 'COMMAND_INVALID', { arguments: { lines: 10 ** 9 } }],
  ])('refuse one %s with a reason, and remember nothing of it', async (_, code, change, how = {}) => {
    await give(command(change), how);
    expect(done).toEqual([]);
    expect(codes()).toEqual([code]);
    expect(answers()[0]?.status).toBe('failed');
    expect(journal.entries).toEqual([]);
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  it('tell what failed', async () => {
    await give(command({ type: 'diagnostics' }));
    expect(answers()).toMatchObject([{ status: 'failed', code: 'COMMAND_FAILED', message: 'no room' }]);
  });

  it('restart once: the next process answers, and what comes again after that restarts nothing', async () => {
    const given = command({ type: 'restart' });
    const wire = await give(given);
    expect(done).toEqual(['restart']);
    expect(parts).toEqual([]);
    // Comes again while the process ends, and after it.
    await give(given, { wire });
    await start();
    await give(given, { wire });
    commands.linkUp();
    await settled();
    await start();
    await give(given, { wire });
    expect(done).toEqual(['restart']);
    expect(new Set(parts.map(({ digest }) => digest)).size).toBe(1);
    expect(answers()[0]).toMatchObject({ status: 'done', message: 'restarted; session 7' });
  });

  it('answer when the link is back, also by the next process', async () => {
    isLinked = false;
    await give(command());
    expect(parts).toEqual([]);
    await start();
    isLinked = true;
    commands.linkUp();
    await settled();
    expect(answers()).toMatchObject([{ status: 'done', message: 'here' }]);
    commands.linkUp();
    await settled();
    expect(parts).toHaveLength(1);
  });

  it('say so where the process ended in the middle, and do not begin again by themselves', async () => {
    let begun = () => {};
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    await start({
      logs: () => {
        begun();
        return new Promise(() => {});
      },
    });
    const given = command();
    commands.receive(given.type, given.id, signCommand(given, owner.privateKey));
    await isBegun;
    await start();
    commands.linkUp();
    await settled();
    expect(codes()).toEqual(['COMMAND_INTERRUPTED']);
    await give(given);
    expect(done).toEqual([]);
  });

  it('are not brought to life by a clock that is set back, nor by a damaged file', async () => {
    const restart = command({ type: 'restart' });
    const wire = await give(restart);
    await start();
    commands.linkUp();
    await settled();
    await clock.advance(61_000);
    // Forgets what has expired.
    await give(command());
    expect(journal.find(restart.id)).toBeUndefined();
    shift = -61_000;
    await give(restart, { wire });
    expect(codes().at(-1)).toBe('COMMAND_REPEATED');

    const another = command({ type: 'restart', createdMs: START, expiresMs: START + 3_000_000 });
    shift = 0;
    await writeFile(join(folder, 'state.json'), '{"entries":');
    await start();
    await give(another);
    expect(codes().at(-1)).toBe('COMMAND_REPEATED');
    expect(done.filter((what) => what === 'restart')).toHaveLength(1);
    await clock.advance(1);
    await give(command({ type: 'restart' }));
    expect(done.filter((what) => what === 'restart')).toHaveLength(2);
  });

  it('are bounded against a site gone mad: in number, in answers a minute, and in bytes on disk', async () => {
    content = randomBytes(400_000);
    for (let i = 0; i < 100; i++) {
      await give(command({ expiresMs: clock.now() + 3_000_000 }));
      if (i % 25 === 24) await clock.advance(60_000);
    }
    expect(done).toHaveLength(MAX_REMEMBERED);
    expect(codes().filter((code) => code === 'COMMAND_BUSY').length).toBeGreaterThan(0);
    const before = parts.length;
    for (let i = 0; i < 100; i++) await give(command({ gateway: 'gate-2' }));
    expect(parts.length - before).toBeLessThanOrEqual(60);
    const sizes = await Promise.all(
      (await readdir(folder)).map(async (name) => (await readFile(join(folder, name))).length),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_KEPT_BYTES + 65_536);
    // Those whose answers went are still known.
    expect(journal.entries).toHaveLength(MAX_REMEMBERED);
  });
});
