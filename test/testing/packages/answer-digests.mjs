// Computes with the code of an installed gateway, or of a clone: node answer-digests.mjs PREFIX BUNDLE
// Prints the digest of its answer to the self-test, and of its answer to pictures that are encrypted under a given seed, as an auditor does.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [prefix = '', directory = ''] = process.argv.slice(2);
const sha256 = (/** @type {Uint8Array} */ bytes) => createHash('sha256').update(bytes).digest('hex');
const { parts, selfTest } = JSON.parse(readFileSync(join(directory, 'release.json'), 'utf8'));
const load = (/** @type {string} */ path) => import(pathToFileURL(join(resolve(prefix), path)).href);

const { loadBundle } = await load('agent/inference/load-bundle.ts');
const { pictureInputs } = await load('vision/picture-input.ts');
const { encryptionSeed } = await load('protocol/opening.ts');
const start = Date.now();
// Throws BUNDLE_SELF_TEST where the digest is another one.
const { interpreter, verified } = await loadBundle({
  type: 'open',
  directory,
  parts,
  kind: 'engine',
  threads: 1,
  selfTest,
});
const opened = Date.now();
const { picture, regions = 1 } = verified.program;
const size = regions * picture.channels * picture.height * picture.width;
// Noise: every value goes through the floating point of light and encoding.
const bytes = Uint8Array.from({ length: size }, (_, i) => Math.imul(i + 1, 2_654_435_761) >>> 24);
const place = { site: 'plaza', gateway: 'gate-1', camera: 'door', frameTimeMs: 0.5, bundle: 'ab'.repeat(32) };
const answers = [1, 2, 3].map((seed) => {
  const key = encryptionSeed(new Uint8Array(32).fill(seed), place);
  return sha256(interpreter.run(pictureInputs(bytes, picture, regions), key).ciphertext);
});
const answered = Date.now();
await interpreter.close();
process.stdout.write(
  `${JSON.stringify({ architecture: process.arch, selfTest, picture: sha256(Buffer.from(answers.join())), openMs: opened - start, answerMs: (answered - opened) / answers.length })}\n`,
);
