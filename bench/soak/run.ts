// node bench/soak/run.ts [--minutes 30] [--warm M] [--rate 60] [--json] [--record FILE]: by how much memory, descriptors and disk of a site at full rate grow in an hour
import { parseArgs } from 'node:util';
import { lookAround, recordMeasurement, SITE_FOLDERS } from '../record.ts';
import { formatSoak } from './print-soak.ts';
import { soak } from './soak.ts';

const SAY_MS = 30_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    /** Left out of the slopes; a third of the time where it is not given. */
    warm: { type: 'string' },
    /** Pictures a second; by default more than two cores can answer. */
    rate: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
    record: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(name)));
let saidMs = 0;
const circumstances = await lookAround(SITE_FOLDERS);
const report = await soak({
  ...{
    rate: Number(values.rate),
    minutes,
    warmMinutes: Number(values.warm ?? minutes / 3),
    signal: stop.signal,
  },
  onProgress: (text, share) => {
    if (Date.now() - saidMs < SAY_MS) return;
    saidMs = Date.now();
    process.stderr.write(`${Math.round(100 * share)} %: ${text}\n`);
  },
});
if (values.record !== undefined) await recordMeasurement(values.record, report, circumstances);
process.stdout.write(`${values.json ? JSON.stringify(report, null, 2) : formatSoak(report)}\n`);
process.exit(0);
