/**
 * Deploys a network to many gateways, each with keys of its own, by the command line, in a site in a temporary folder:
 *
 *     node bench/deployment.ts [--gateways 50] [--network counter] [--record FILE]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { currentCommit, describeMachine } from './machine.ts';
import { lookAround, tellMeasurement } from './record.ts';

const CLI = join(import.meta.dirname, '..', 'cli', 'main.ts');
const { values: options } = parseArgs({
  options: {
    gateways: { type: 'string', default: '50' },
    network: { type: 'string', default: 'counter' },
    record: { type: 'string' },
  },
});
const gateways = Number(options.gateways);
if (!Number.isInteger(gateways) || gateways < 1)
  throw new Error(`--gateways ${options.gateways}: expected a number`);

const circumstances = await lookAround(['..']);
const folder = await mkdtemp(join(tmpdir(), 'blindsight-deployment-'));
const data = join(folder, 'site');

/** @returns seconds */
async function blindsight(...given: string[]): Promise<number> {
  const start = performance.now();
  await promisify(execFile)(process.execPath, [CLI, ...given, '--data', data]);
  return Math.round(performance.now() - start) / 1000;
}

try {
  await blindsight('site', 'init', '--site', 'bench');
  for (let i = 1; i <= gateways; i++)
    await blindsight('gateway', 'enrol', `gate-${i}`, '--out', join(folder, `gate-${i}`));
  const protectSeconds = await blindsight('model', 'protect', options.network);
  // The keys that the network came with go to the first gateway; all others are made now, and every manifest is signed.
  const deploySeconds = await blindsight('deploy', options.network, 'all', '--per-gateway');
  const report = {
    machine: describeMachine(),
    commit: await currentCommit(),
    network: options.network,
    gateways,
    protectSeconds,
    deploySeconds,
  };
  await tellMeasurement(report, circumstances, options.record);
} finally {
  await rm(folder, { recursive: true });
}
