import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngineInterpreter, encodeProgram } from '#fhe';
import { makeMaterial, testParameters, testPicture, wideProgram } from '#fhe/testing';
import { BlobFolder } from '../store/blob-folder.ts';
import { OpenPrograms } from './open-programs.ts';

const SEED = new Uint8Array(32).fill(3);

describe('a network that an auditor opens', () => {
  let folder: string;
  let parts: {
    name: 'program' | 'public-key' | 'constants' | 'evaluation-keys';
    sha256: string;
    bytes: number;
  }[];
  let expected: Uint8Array;
  let residentBytes: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parts-'));
    const test = wideProgram(testParameters(8192, 4, { special: 2 }), 20);
    const { material } = await makeMaterial(test);
    const interpreter = await createEngineInterpreter(material, { threads: 1 });
    expected = interpreter.run(testPicture, SEED).ciphertext.slice();
    residentBytes = interpreter.memoryUse.memoryBytes;
    await interpreter.close();
    const blobs = new BlobFolder(folder);
    const put = async (name: (typeof parts)[number]['name'], bytes: Uint8Array) => ({
      ...{ name, bytes: bytes.length, sha256: await blobs.put(bytes) },
    });
    parts = [
      await put('program', encodeProgram(test.program)),
      await put('public-key', material.publicKey),
      await put('constants', material.constants),
      await put('evaluation-keys', material.evaluationKeys),
    ];
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('may be larger than memory', async () => {
    const programs = new OpenPrograms(folder, undefined, 0.7 * residentBytes);
    const { interpreter } = await programs.get(parts);
    expect(interpreter.memoryUse.bytesPerRun).toBeGreaterThan(0);
    expect(Buffer.compare(interpreter.run(testPicture, SEED).ciphertext, expected)).toBe(0);
    await interpreter.close();
    expect(await readdir(folder)).toHaveLength(4);
  });

  it.each(['constants', 'evaluation-keys'] as const)(
    'is refused where its %s were changed, cut off or are gone',
    async (name) => {
      const { sha256 } = parts.find((part) => part.name === name)!;
      const path = join(folder, sha256);
      const bytes = await readFile(path);
      const changed = Uint8Array.from(bytes);
      changed[changed.length >> 1]! ^= 1;
      for (const damaged of [changed, bytes.subarray(0, -1), null]) {
        await (damaged === null ? rm(path) : writeFile(path, damaged));
        await expect(new OpenPrograms(folder).get(parts)).rejects.toMatchObject({ code: 'BUNDLE_DAMAGED' });
      }
      await writeFile(path, bytes);
    },
  );
});
