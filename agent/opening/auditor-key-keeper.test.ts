import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { auditorMessage } from '../testing/audited-gateway.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { AuditorKeyKeeper } from './auditor-key-keeper.ts';

const ed25519 = () => generateKeyPairSync('ed25519');
const [first, second, stranger] = [ed25519(), ed25519(), ed25519()];
const [one, two] = [generateKeyPairSync('x25519').publicKey, generateKeyPairSync('x25519').publicKey];

let path: string;
let owners: KeyObject[];
let lines: string[];
beforeEach(async () => {
  path = join(await temporaryDirectory(), 'auditor');
  owners = [first.publicKey];
  lines = [];
});

const open = () =>
  AuditorKeyKeeper.open({
    ...{ site: 'town', path, ownerKeys: () => owners, clock: new SimulatedClock() },
    log: createLogger({
      ...({ name: 'test', level: 'warn', format: 'json' } as const),
      destination: { write: (line: string) => void lines.push(line) },
    }),
  });
const message = (key: KeyObject, number: number, { privateKey } = first) =>
  auditorMessage(key, number, privateKey);
const x = (key: KeyObject | null) => key?.export({ format: 'jwk' }).x ?? null;

describe('AuditorKeyKeeper', () => {
  it('keeps the newest key that the owner signed, over restarts', async () => {
    const keeper = await open();
    expect(keeper.key).toBeNull();
    await keeper.receive(message(one, 1));
    expect(x(keeper.key)).toBe(x(one));
    await keeper.receive(message(two, 5));
    await keeper.receive(new Uint8Array());
    for (const each of [keeper, await open()]) expect(x(each.key)).toBe(x(two));
    expect(lines).toEqual([]);
  });

  it.each<[string, () => Uint8Array]>([
    ['bytes that are none', () => new Uint8Array([1, 2, 3])],
    ['too many bytes', () => new Uint8Array(5_000)],
    ['one of a stranger', () => message(two, 9, stranger)],
    ['one for another site', () => auditorMessage(two, 9, first.privateKey, 'village')],
    ['an older one', () => message(two, 4)],
    ['another of the same number', () => message(two, 5)],
  ])('refuses %s, and says so once', async (_, make) => {
    const keeper = await open();
    await keeper.receive(message(one, 5));
    for (let i = 0; i < 20; i++) await keeper.receive(make());
    for (const each of [keeper, await open()]) expect(x(each.key)).toBe(x(one));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({ code: 'AUDITOR_KEY_INVALID' });
    await keeper.receive(message(two, 6));
    expect(x(keeper.key)).toBe(x(two));
  });

  it('does not say anything about the same message again', async () => {
    const keeper = await open();
    const wire = message(one, 5);
    for (let i = 0; i < 3; i++) await keeper.receive(wire);
    expect(lines).toEqual([]);
  });

  it('believes nothing on the disk that the owner has not signed', async () => {
    await (await open()).receive(message(one, 5));
    const wire = await readFile(path);
    owners = [second.publicKey];
    expect((await open()).key).toBeNull();
    owners = [first.publicKey];
    wire[40]! ^= 1;
    await writeFile(path, wire);
    expect((await open()).key).toBeNull();
    await writeFile(path, '');
    expect((await open()).key).toBeNull();
  });

  it('goes by the keys that the owner signs with now, whichever message comes first', async () => {
    const keeper = await open();
    await keeper.receive(message(one, 5));
    await keeper.receive(message(two, 6, second));
    expect(x(keeper.key)).toBe(x(one));
    owners = [second.publicKey, first.publicKey];
    await keeper.trustChanged();
    expect(x(keeper.key)).toBe(x(two));
    owners = [first.publicKey];
    await keeper.trustChanged();
    expect(keeper.key).toBeNull();
  });
});
