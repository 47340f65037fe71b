// The RUN lines of a stage of Dockerfile.edge, as one shell script: node run-lines.mjs STAGE, from 0. `COPY . .` becomes a call of copy_all.
import { readFileSync } from 'node:fs';

const stage = Number(process.argv[2]);
const dockerfile = readFileSync(new URL('../../../Dockerfile.edge', import.meta.url), 'utf8').replaceAll(
  '\\\n',
  ' ',
);
const lines = (dockerfile.split(/^FROM .*$/m)[stage + 1] ?? '').split('\n');
for (const line of lines) {
  if (line.startsWith('RUN ')) process.stdout.write(`${line.slice(4)}\n`);
  if (line === 'COPY . .') process.stdout.write('copy_all\n');
}
