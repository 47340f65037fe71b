import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResumeFile, writeResumeFile } from './resume-file.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-resume-'));
});
afterAll(() => rm(folder, { recursive: true }));

const identity = { network: 'a1', pictures: 'b2', settings: '{}' };
const state = {
  about: { step: 7 },
  arrays: new Map([
    ['w', Float32Array.of(1, 2.5, -3)],
    ['empty', new Float32Array()],
  ]),
};

describe('ResumeFile', () => {
  it('gives back what was written, and leaves nothing else behind', async () => {
    const file = join(folder, 'state');
    expect(await readResumeFile(file, identity)).toBeNull();
    await writeResumeFile(file, identity, { ...state, about: { step: 6 } });
    await writeResumeFile(file, identity, state);
    expect(await readResumeFile(file, identity)).toEqual(state);
    expect(await readdir(folder)).toEqual(['state']);
  });

  it('refuses, with a code, what is of another training, damaged, cut off, something else, or cannot be written', async () => {
    const file = join(folder, 'state');
    await writeResumeFile(file, identity, state);
    const refused = async (reason: RegExp, wanted = identity): Promise<void> => {
      const reading = readResumeFile(file, wanted);
      await expect(reading).rejects.toMatchObject({ code: 'NETWORK_RESUME' });
      await expect(reading).rejects.toThrow(reason);
    };
    await refused(/state: belongs to another training: its network, settings differ/, {
      ...identity,
      network: 'c3',
      settings: '{"pictures":1}',
    });
    const bytes = await readFile(file);
    for (const at of [bytes.length - 40, 25, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      await writeFile(file, changed);
      await refused(/damaged/);
    }
    for (const size of [0, 10, 24, bytes.length - 1]) {
      await writeFile(file, bytes.subarray(0, size));
      await refused(/no resume file|damaged/);
    }
    await writeFile(file, 'something else');
    await refused(/no resume file of this version/);
    const nowhere = writeResumeFile(join(folder, 'missing', 'state'), identity, state);
    await expect(nowhere).rejects.toMatchObject({ code: 'NETWORK_RESUME' });
  });
});
