import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCanonical } from '#protocol/cbor.ts';
import { root } from '../source-files.ts';
import { readCorpus } from './corpus.ts';
import { cbor } from './formats/cbor.ts';
import { der } from './formats/der.ts';
import { json } from './formats/json.ts';
import type { Format } from './formats/node.ts';
import { protobuf } from './formats/protobuf.ts';
import { tarGz } from './formats/tar-gz.ts';
import { Fuzzer } from './fuzzer.ts';
import { minimize } from './minimize.ts';
import type { Target } from './target.ts';
import { loadAll } from './targets/load-all.ts';
import { PLANTED } from './testing/planted.ts';

const TARGETS = await loadAll();
let crashes: string;
beforeAll(() => {
  crashes = mkdtempSync(join(tmpdir(), 'blindsight-crashes-'));
});
afterAll(() => rmSync(crashes, { recursive: true }));

it('no parser of bytes that others write does anything but take or refuse them', async () => {
  // Without a seed the fuzzer draws one, and prints it.
  const seed = process.env.BLINDSIGHT_TEST_SEED;
  const words = ['test/fuzz/run.ts', 'all', '--blind', '--inputs', '200', '--crashes', crashes];
  if (seed !== undefined) words.push('--seed', seed);
  const { stdout } = await promisify(execFile)(process.execPath, words, {
    cwd: root,
    maxBuffer: 2 ** 24,
  }).catch(({ stdout, stderr }: { stdout: string; stderr: string }) => {
    throw new Error(`node ${words.join(' ')}\n${stdout}${stderr}`);
  });
  expect(stdout).toMatch(/^\d+ inputs, 0 finds, seed \d+$/m);
  for (const { name } of TARGETS) expect(stdout).toMatch(new RegExp(`^${name}: [1-9]\\d* inputs `, 'm'));
});

describe('the fuzzer', () => {
  const find = async (target: Target, isGuided: boolean, inputs: number) =>
    (await new Fuzzer(target, 7, isGuided).run([], { count: inputs }, () => {})).finds;

  it('finds what is four conditions deep where coverage guides it, and not without', async () => {
    const [found] = await find(PLANTED.deep, true, 20_000);
    expect(found?.verdict.message).toContain('planted');
    expect(await find(PLANTED.deep, false, 5_000)).toEqual([]);
    expect([...(await minimize(PLANTED.deep, found!.input))]).toEqual([0xff, 0x7f, 0x01, 0x80]);
  });

  it.each(['slow', 'large', 'twoForms', 'refusedSeed'] as const)('finds what is wrong: %s', async (name) => {
    const [found] = await find(PLANTED[name], false, 12);
    expect(found?.verdict).toMatchObject(PLANTED[name].expected);
  });

  it('draws the same inputs from the same seed', async () => {
    const drawn = async (seed: number) => {
      const inputs: string[] = [];
      const fuzzer = new Fuzzer(PLANTED.none, seed, false, (input) =>
        inputs.push(Buffer.from(input).toString('hex')),
      );
      await fuzzer.run([], { count: 50 }, () => {});
      return inputs;
    };
    expect(await drawn(3)).toEqual(await drawn(3));
    expect(await drawn(3)).not.toEqual(await drawn(4));
  });
});

describe('formats', () => {
  const BY_FORMAT: readonly (readonly [Format, readonly string[]])[] = [
    [cbor, ['envelope', 'program', 'trust']],
    [protobuf, ['onnx']],
    [der, ['certificate-request']],
    [json, ['message-reported', 'recipe']],
  ];

  it.each(BY_FORMAT)(
    '$name takes seeds apart and puts them together again',
    async ({ parse, write, name }, targets) => {
      for (const target of TARGETS.filter((one) => targets.includes(one.name)))
        for (const seed of await target.seeds()) {
          const tree = parse(seed);
          expect(tree, target.name).not.toBeNull();
          const written = write(tree!);
          if (name === 'json')
            expect(JSON.parse(String(Buffer.from(written)))).toEqual(JSON.parse(String(Buffer.from(seed))));
          else expect(Buffer.compare(written, seed), target.name).toBe(0);
        }
    },
  );

  it('cbor reads values within byte strings', () => {
    const inner = encodeCanonical({ a: [1, 'x'] });
    expect(cbor.parse(encodeCanonical([inner]))).toMatchObject({
      children: [{ kind: 'inner', children: [{ kind: 'map' }] }],
    });
  });

  it('tar.gz reads entries', async () => {
    const [archive] = await TARGETS.find(({ name }) => name === 'archive')!.seeds();
    const kinds = tarGz.parse(archive!)?.children.map(({ kind }) => kind);
    expect(kinds?.slice(0, 3)).toEqual(['entry', 'entry', 'entry']);
  });
});

it('no corpus is of a target that is gone', async () => {
  for (const { name } of TARGETS)
    for (const input of readCorpus(name)) expect(input.length).toBeLessThan(2 ** 17);
});
