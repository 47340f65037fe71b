import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandJournal } from '#agent/command/command-journal.ts';
import { readLogs } from '#agent/command/read-logs.ts';
import { ConfigurationStateFile } from '#agent/configuration/state-file.ts';
import { entryFile, parseEntryFile } from '#agent/outbox/entry.ts';
import { RolloutStateFile } from '#agent/rollout/rollout-state.ts';
import { EMPTY_STATE, SoftwareStateFile } from '#agent/software/software-state.ts';
import { CameraList } from '#agent/uplink/camera-list.ts';
import { LaidOutNumber } from '#runtime/laid-out-number.ts';
import { json } from '../formats/json.ts';
import { lines } from '../formats/lines.ts';
import type { Target } from '../target.ts';
import { scratchFolder } from './scratch-folder.ts';

const DIGEST = 'ab'.repeat(32);
const since = '2026-05-01T10:00:00.000Z';
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const error = { code: 'DISK_FULL', message: 'no room' };

/** Writes an input where a state file is, and returns its path. */
function place(name: string, input: Uint8Array): string {
  const path = join(scratchFolder(), name);
  writeFileSync(path, input);
  return path;
}

/** A counter as the disk may leave it: an integer that is not negative, or the state is not read. */
function expectCount(what: string, value: number): void {
  if (!Number.isInteger(value) || value < 0) throw new Error(`${what} is ${value}`);
}

const recovered = { active: null, previous: null, counter: 9, counterOf: null, rolledBack: null };
const place1 = { slot: 'a', digest: DIGEST } as const;
const software = {
  ...EMPTY_STATE,
  ...{ counter: 3, counterOf: DIGEST, active: place1 },
  trial: { ...place1, tries: 1, limitMs: 9, graceMs: 9, before: { cameras: ['front'], answers: true } },
};
const slot = (value: number, write: number) => {
  const check = createHash('sha256').update(`${value} ${write}`).digest('hex').slice(0, 16);
  return `${JSON.stringify({ value, write, check }).padEnd(4095)}\n`;
};

/**
 * What a gateway finds on its disk after a power cut, or after somebody wrote to it: none of it may keep it from starting, so no refusal is allowed.
 */
export const FILE_TARGETS: readonly Target[] = [
  {
    name: 'state-rollout',
    share: 0.03,
    format: json,
    sources: ['/agent/rollout/'],
    refusals: [],
    seeds: () => [
      text({
        active: DIGEST,
        previous: null,
        counter: 4,
        counterOf: DIGEST,
        rolledBack: { digest: DIGEST, ...error },
      }),
    ],
    async run(input) {
      const state = await RolloutStateFile.open(place('rollout.json', input), async () => recovered);
      expectCount('the counter', state.floor);
      return state.current !== recovered;
    },
  },
  {
    name: 'state-configuration',
    share: 0.03,
    format: json,
    sources: ['/agent/configuration/'],
    refusals: [],
    seeds: () => [
      text({
        ...{
          highest: 5,
          digest: DIGEST,
          signedFrom: 1,
          running: 4,
          previous: 3,
          safe: 3,
          fileDigest: DIGEST,
        },
        ...{ trial: { starts: 1, heard: true }, told: { status: 'reverted', version: 5, since, error } },
      }),
    ],
    async run(input) {
      const state = await ConfigurationStateFile.open(place('configuration.json', input), async () => 7);
      expectCount('the highest version', state.current.highest);
      expectCount('the running version', state.current.running);
      return state.isSaved;
    },
  },
  {
    name: 'state-commands',
    share: 0.03,
    format: json,
    sources: ['/agent/command/'],
    refusals: [],
    seeds: () => [
      text({
        entries: [
          { id: '0123456789abcdef'.repeat(2), type: 'logs', expiresMs: 1e12, answered: true, sent: false },
        ],
        ...{ forgottenMs: 5, lostMs: 0 },
      }),
    ],
    async run(input) {
      place('state.json', input);
      const journal = await CommandJournal.open(scratchFolder(), { now: () => 1e12 });
      return journal.entries.length > 0;
    },
  },
  {
    name: 'state-software',
    share: 0.03,
    format: json,
    sources: ['/agent/software/'],
    refusals: [],
    // As it is signed by its own digest only, whoever writes to the disk can make any state; see the wrapping below.
    seeds: () => [text(software), text(EMPTY_STATE)],
    async run(input) {
      const state = new TextDecoder().decode(input);
      const sha256 = createHash('sha256').update(state).digest('hex');
      place('state.json', new TextEncoder().encode(`{"state":${state},"sha256":"${sha256}"}`));
      const file = await SoftwareStateFile.open(scratchFolder(), async () => EMPTY_STATE);
      expectCount('the counter', file.current.counter);
      return file.current !== EMPTY_STATE;
    },
  },
  {
    name: 'state-cameras',
    share: 0.03,
    format: json,
    sources: ['/agent/uplink/'],
    refusals: [],
    seeds: () => [text({ cameras: ['front', 'back'] })],
    async run(input) {
      const list = await CameraList.open(place('cameras.json', input), []);
      return list.gone.length > 0;
    },
  },
  {
    name: 'state-number',
    share: 0.03,
    sources: ['/runtime/laid-out-number'],
    refusals: [],
    seeds: () => [new TextEncoder().encode(slot(6, 4) + slot(7, 5))],
    async run(input) {
      const path = place('session.count', input);
      const number = await LaidOutNumber.open(path, async () => 0);
      expectCount('the number', number.value);
      rmSync(path, { force: true });
      return number.isLaidOut;
    },
  },
  {
    name: 'outbox-names',
    format: lines,
    sources: ['/agent/outbox/', '/protocol/topics'],
    refusals: [],
    seeds: () => [
      ...[1, 12].map((answers) =>
        new TextEncoder().encode(
          entryFile({ session: 7, sequence: 8, camera: 'front', digest: DIGEST, answers }),
        ),
      ),
    ],
    run(input) {
      const name = new TextDecoder().decode(input);
      const entry = parseEntryFile(name);
      if (entry !== null && entryFile(entry) !== name)
        throw new Error(`${name} is read as ${entryFile(entry)}`);
      return entry !== null;
    },
  },
  {
    name: 'log-lines',
    format: lines,
    sources: ['/agent/command/'],
    refusals: [],
    seeds: () => [
      new TextEncoder().encode(`{"level":"info","time":"${since}","msg":"a"}\n{"time":"${since}"}`),
    ],
    run(input) {
      const all = new TextDecoder().decode(input).split('\n');
      return readLogs(all, { lines: 3, sinceSeconds: 60 }, Date.parse(since)).lines > 0;
    },
  },
];
