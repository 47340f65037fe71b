import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeCommand, verifyCommand } from '#protocol/command.ts';
import { type CommandAnswer, encodeAnswer, signAnswer } from '#protocol/command-answer.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { MessageHandler } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { removeGateway } from '../operations/remove-gateway.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { CommandService, GRACE_MS } from './command-service.ts';
import { listCommands, readContent, showCommand } from './describe-commands.ts';
import { LIFETIME_MS, sendCommand } from './send-command.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('the service of commands', () => {
  let site: TestSite;
  let key: KeyObject;
  let otherKey: KeyObject;
  let clock: SimulatedClock;
  let published: { topic: string; wire: Uint8Array; retain: boolean | undefined }[];
  let hear: MessageHandler;
  let service: CommandService;
  let connected: boolean;

  beforeEach(async () => {
    site = await makeTestSite();
    key = await enrolTestGateway(site, 'gate');
    otherKey = await enrolTestGateway(site, 'other', '02');
    clock = new SimulatedClock();
    published = [];
    connected = true;
    service = new CommandService({
      ...{ store: site.store, site: 'yard', clock, log },
      link: {
        get connected() {
          return connected;
        },
        publish: async (topic, wire, options) => {
          published.push({ topic, wire: wire as Uint8Array, retain: options?.retain });
        },
        subscribe: (filter, handler) => {
          expect(filter).toBe('blindsight/v1/yard/+/answer/+/+');
          hear = handler;
          return () => {};
        },
      },
    });
    service.listen();
  });
  afterEach(() => site.close());

  const send = (more: object = {}) =>
    sendCommand({ site, gateway: 'gate', type: 'logs', author: 'ann', clock, ...more });
  const done = (change: Partial<CommandAnswer> = {}): CommandAnswer => ({
    ...{ status: 'done', code: null, message: 'here', content: null, ...change },
  });
  type About = { readonly id: string; readonly type: string; readonly gateway: string };
  const answer = async (
    about: About,
    what: CommandAnswer = done(),
    {
      by = key,
      topic = about,
      site: named = 'yard',
      retain = false,
      order = (all: Uint8Array[]) => all,
    } = {},
  ) => {
    const { gateway, type, id } = about;
    for (const wire of order(signAnswer({ site: named, gateway, type, id }, encodeAnswer(what), by)))
      hear(gatewayTopics('yard', topic.gateway).answer(topic.type, topic.id), wire, {
        ...{ retain, dup: false, qos: 1 },
      });
    await service.idle();
  };
  const status = async ({ id, gateway = 'gate' }: { id: string; gateway?: string }) =>
    (await showCommand(site, gateway, id)).status;
  const journal = async () => (await site.store.journal.latest(9)).map(({ code }) => code);

  it('lets no flood of one gateway fill memory or hold up the answer of another', async () => {
    const quiet = await send({ gateway: 'other' });
    const looked = vi.spyOn(site.store.commands, 'get');
    for (let i = 0; i < 5_000; i++) {
      const topic = gatewayTopics('yard', 'gate').answer('logs', randomBytes(16).toString('hex'));
      hear(topic, randomBytes(1_000), { retain: false, dup: false, qos: 1 });
    }
    await answer(quiet, done(), { by: otherKey });
    expect(await status(quiet)).toBe('done');
    expect(looked.mock.calls.length).toBeLessThan(200);
  });

  it('sends a command that the owner signed, again until it is answered, and stores the answer once', async () => {
    const command = await send();
    await service.look();
    await service.look();
    expect(published).toHaveLength(1);
    const [{ topic, wire, retain }] = published as [(typeof published)[0]];
    expect({ topic, retain }).toEqual({
      topic: gatewayTopics('yard', 'gate').command('logs', command.id),
      retain: undefined,
    });
    expect(verifyCommand(decodeCommand(wire), site.ownerPublicKey)).toBe(true);
    expect(decodeCommand(wire).command.arguments).toEqual({ lines: 200 });
    await clock.advance(10_000);
    await service.look();
    expect(published).toHaveLength(2);
    await answer(command);
    await answer(command, done({ message: 'another' }));
    await clock.advance(10_000);
    await service.look();
    expect(published).toHaveLength(2);
    expect(await showCommand(site, 'gate', command.id)).toMatchObject({ status: 'done', message: 'here' });
    expect(await journal()).toEqual(['COMMAND_ANSWERED', 'COMMAND_SENT']);
  });

  it('sends at once what waits for a gateway that comes, and not to one that was removed', async () => {
    await send();
    await service.look();
    await clock.advance(3_000);
    await service.gatewayUp('other');
    await service.look();
    expect(published).toHaveLength(1);
    await service.gatewayUp('gate');
    await service.look();
    expect(published).toHaveLength(2);
    await removeGateway(site, 'gate');
    await clock.advance(10_000);
    await service.look();
    expect(published).toHaveLength(2);
  });

  it('puts parts together in any order, however often they come', async () => {
    const command = await send({ type: 'diagnostics' });
    const bytes = new Uint8Array(randomBytes(200_000));
    const content = { mediaType: 'application/gzip', bytes };
    await answer(command, done({ content }), {
      order: (all) => [...all].reverse().flatMap((one) => [one, one]),
    });
    const kept = await readContent(site, 'gate', command.id);
    expect(Buffer.from(kept.bytes).equals(bytes)).toBe(true);
    expect(await showCommand(site, 'gate', command.id)).toMatchObject({
      content: { mediaType: 'application/gzip', bytes: 200_000 },
    });
  });

  it('lets nobody answer for a gateway, and no answer count for another command', async () => {
    const command = await send();
    const another = await send();
    const stranger = generateKeyPairSync('ed25519').privateKey;
    await answer(command, done(), { by: stranger });
    await answer({ ...command, gateway: 'other' }, done(), { topic: command });
    await answer(command, done(), { site: 'city' });
    await answer(command, done(), { topic: another });
    await answer({ ...command, type: 'restart' }, done());
    await answer(command, done(), { retain: true });
    hear(gatewayTopics('yard', 'gate').answer('logs', command.id), new Uint8Array(100_000), {
      ...{ retain: false, dup: false, qos: 1 },
    });
    hear('blindsight/v1/yard/gate/answer/logs/../../x', new Uint8Array(), {
      ...{ retain: false, dup: false, qos: 1 },
    });
    await service.idle();
    expect([await status(command), await status(another)]).toEqual(['pending', 'pending']);
    // A command that nobody gave.
    await answer({ ...command, id: 'a'.repeat(32) });
    expect(await listCommands(site, 'gate')).toHaveLength(2);
    await answer(command);
    expect(await status(command)).toBe('done');
  });

  it('keeps the parts of two answers apart', async () => {
    const command = await send();
    const content = (byte: number) => ({
      ...{ mediaType: 'x', bytes: new Uint8Array(100_000).fill(byte) },
    });
    await answer(command, done({ content: content(1) }), { order: ([first]) => [first!] });
    await answer(command, done({ content: content(2) }), { order: ([, last]) => [last!] });
    expect(await status(command)).toBe('pending');
    await answer(command, done({ content: content(2) }), { order: ([first]) => [first!] });
    const { bytes } = await readContent(site, 'gate', command.id);
    expect(new Set(bytes)).toEqual(new Set([2]));
  });

  it('lets expire what nobody answered, sends it never again, and takes a late answer all the same', async () => {
    connected = false;
    const unsent = await send();
    await service.look();
    await clock.advance(LIFETIME_MS);
    connected = true;
    await service.look();
    expect(published).toEqual([]);
    expect(await status(unsent)).toBe('expired');

    const restart = await send({ type: 'restart' });
    await service.look();
    await clock.advance(LIFETIME_MS);
    await service.look();
    // Begun in time, it may be answered later.
    expect(await status(restart)).toBe('pending');
    await clock.advance(GRACE_MS);
    await service.look();
    expect(await status(restart)).toBe('expired');
    expect(published).toHaveLength(1);
    await answer(restart, done({ message: 'restarted' }));
    expect(await status(restart)).toBe('done');
    expect((await journal()).slice(0, 2)).toEqual(['COMMAND_ANSWERED', 'COMMAND_UNANSWERED']);
  });

  it('tells what a gateway refused', async () => {
    const command = await send();
    await answer(command, {
      ...{ status: 'failed', code: 'COMMAND_EXPIRED', message: 'too late', content: null },
    });
    expect(await showCommand(site, 'gate', command.id)).toMatchObject({
      ...{ status: 'failed', code: 'COMMAND_EXPIRED', message: 'too late' },
    });
    const [entry] = await site.store.journal.latest(1);
    expect(entry?.message).toBe('gate did not carry out logs: too late (COMMAND_EXPIRED)');
  });

  it.each<[string, object, string]>([
    ['an unknown command', { type: 'dance' }, 'COMMAND_INVALID'],
    ['a wrong argument', { arguments: { lines: 0 } }, 'COMMAND_INVALID'],
    ['an argument of another command', { arguments: { level: 'debug' } }, 'COMMAND_INVALID'],
    ['an unknown gateway', { gateway: 'nowhere' }, 'GATEWAY_NOT_FOUND'],
    ['a lifetime of two hours', { lifetimeMs: 7_200_000 }, 'COMMAND_INVALID'],
  ])('gives nothing where it is asked for %s', async (_, more, code) => {
    await expect(send(more)).rejects.toMatchObject({ code });
    expect(await listCommands(site, 'gate')).toEqual([]);
  });

  it('bounds what waits for one gateway, and what is kept of it', async () => {
    for (let i = 0; i < 16; i++) await send();
    await expect(send()).rejects.toMatchObject({ code: 'COMMAND_BUSY' });
    const content = { mediaType: 'x', bytes: new Uint8Array(10) };
    for (const { id, type, gateway } of await listCommands(site, 'gate')) {
      await clock.advance(1);
      await answer({ id, type, gateway }, done({ content }));
    }
    const all = await listCommands(site, 'gate');
    expect(all.filter((one) => one.content !== null)).toHaveLength(5);
    expect(all.map((one) => one.status)).toEqual(Array(16).fill('done'));
    const without = all.find((one) => one.content === null)!;
    await expect(readContent(site, 'gate', without.id)).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
    await expect(showCommand(site, 'gate', 'b'.repeat(32))).rejects.toMatchObject({
      code: 'COMMAND_NOT_FOUND',
    });
  });
});
