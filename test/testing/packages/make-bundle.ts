// Protects a bundled network for answer-digests.mjs: node make-bundle.ts NAME FOLDER
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openProtector } from '#backend/protection/protect-network.ts';

const [name = '', folder = ''] = process.argv.slice(2);
const protect = await openProtector({ name, source: { zoo: name }, regions: 1 });
const { parts, selfTest } = await protect({ interpreters: 'engine' });
mkdirSync(folder, { recursive: true });
for (const part of parts) writeFileSync(join(folder, part.name), part.bytes);
const release = {
  parts: parts.map((part) => ({
    name: part.name,
    bytes: part.bytes.length,
    sha256: createHash('sha256').update(part.bytes).digest('hex'),
  })),
  selfTest: selfTest.engine,
};
writeFileSync(join(folder, 'release.json'), JSON.stringify(release));
