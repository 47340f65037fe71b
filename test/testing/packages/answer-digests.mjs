// Computes with the code of an installed gateway: node answer-digests.mjs PREFIX BUNDLE
// Prints the digest of its answer to the self-test, and of its answer to a picture that is encrypted from a fixed seed.
import crypto, { createCipheriv, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [prefix = '', directory = ''] = process.argv.slice(2);
const sha256 = (/** @type {Uint8Array} */ bytes) => createHash('sha256').update(bytes).digest('hex');
const { parts, selfTest, values } = JSON.parse(readFileSync(join(directory, 'release.json'), 'utf8'));

// Each request for random bytes gets the next of one stream.
const stream = createCipheriv('aes-256-ctr', sha256(Buffer.from('seed')).slice(0, 32), Buffer.alloc(16));
Object.assign(crypto, { randomBytes: (/** @type {number} */ length) => stream.update(Buffer.alloc(length)) });
syncBuiltinESMExports();

const { loadBundle } = await import(
  pathToFileURL(join(resolve(prefix), 'agent/inference/load-bundle.ts')).href
);
const start = Date.now();
// Throws BUNDLE_SELF_TEST where the digest is another one.
const { interpreter } = await loadBundle({
  type: 'open',
  directory,
  parts,
  kind: 'engine',
  threads: 1,
  selfTest,
});
const opened = Date.now();
const { ciphertext: answer } = interpreter.run(
  Float32Array.from({ length: values }, (_, i) => (i % 17) / 16),
);
const answered = Date.now();
await interpreter.close();
process.stdout.write(
  `${JSON.stringify({ architecture: process.arch, selfTest, picture: sha256(answer), openMs: opened - start, answerMs: answered - opened })}\n`,
);
