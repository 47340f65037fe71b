// node test/chaos/run.ts [--minutes M] [--seed S] [--kinds A,B] [--broker aedes|nats] [--store sqlite|postgresql] [--queue inbox|jetstream] [--gateways N] [--rate HZ] [--every MS] [--json] [--record FILE]
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';
import { ALL_KINDS } from './kinds/all.ts';
import { formatChaos } from './print-chaos.ts';
import { recordChaos } from './record-chaos.ts';

const SAY_MS = 5_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string' },
    kinds: { type: 'string' },
    broker: { type: 'string', default: 'aedes' },
    store: { type: 'string' },
    /** Where answers wait with NATS. */
    queue: { type: 'string', default: 'inbox' },
    gateways: { type: 'string', default: '2' },
    /** Answers a second and gateway. */
    rate: { type: 'string', default: '5' },
    /** Mean time from one fault to the next, ms. */
    every: { type: 'string', default: '1500' },
    json: { type: 'boolean', default: false },
    record: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  const width = Math.max(...ALL_KINDS.map(({ name }) => name.length));
  process.stdout.write(
    [
      'npm run chaos -- [--minutes 2] [--seed S] [--kinds A,B] [--broker aedes|nats] [--store sqlite|postgresql] [--queue inbox|jetstream] [--gateways 2] [--rate 5] [--every 1500] [--json] [--record FILE]',
      '',
      'Runs a site, hurts it at random moments that follow from the seed, and then asks for each answer that was ever made: stored once, dropped and counted, or withheld.',
      '',
      'Kinds of faults:',
      ...ALL_KINDS.map(({ name, what }) => `  ${name.padEnd(width)}  ${what}`),
      '',
    ].join('\n'),
  );
  process.exit(0);
}
const { broker, queue, store = broker === 'nats' ? 'postgresql' : 'sqlite' } = values;
const refuse = (text: string): never => {
  process.stderr.write(`${text}\n`);
  process.exit(1);
};
if (broker !== 'aedes' && broker !== 'nats') throw refuse(`--broker ${broker}: aedes or nats`);
if (store !== 'sqlite' && store !== 'postgresql') throw refuse(`--store ${store}: sqlite or postgresql`);
if (queue !== 'inbox' && queue !== 'jetstream') throw refuse(`--queue ${queue}: inbox or jetstream`);
if (broker === 'nats' && store === 'sqlite')
  refuse('--broker nats has several processes of the backend: --store postgresql');
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(name)));
let saidMs = 0;
const seed = Number(values.seed ?? Date.now() % 2 ** 32);
process.stderr.write(`seed ${seed}\n`);
const report = await runChaos({
  seed,
  seconds: 60 * Number(values.minutes),
  gateways: Number(values.gateways),
  rate: Number(values.rate),
  everyMs: Number(values.every),
  ...{ broker, store, queue },
  ...(values.kinds !== undefined && { kinds: values.kinds.split(',') }),
  signal: stop.signal,
  onProgress: (text, share) => {
    if (Date.now() - saidMs < SAY_MS) return;
    saidMs = Date.now();
    process.stderr.write(`${Math.round(100 * share)} % ${text}\n`);
  },
});
if (values.record !== undefined) await recordChaos(values.record, report);
const text = values.json ? JSON.stringify(report, null, 2) : formatChaos(report);
// Whatever link was hurt so that it never ends does not keep this process.
process.stdout.write(`${text}\n`, () => process.exit(report.isWell ? 0 : 1));
