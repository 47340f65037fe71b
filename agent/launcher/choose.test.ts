import { createHash, generateKeyPairSync } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { softwareDigest } from '#protocol/software.ts';
import { mountSmallDisk, NO_MOUNT } from '#runtime/testing/small-disk.ts';
import { Slots } from '../software/slots.ts';
import {
  EMPTY_STATE,
  type Slot,
  type SoftwareState,
  SoftwareStateFile,
  type Trial,
} from '../software/software-state.ts';
import { UpdateBox } from '../testing/update-box.ts';
import { choose, TRIES } from './choose.ts';

/** A folder of slots in which programs lie as if they had been unpacked there. */
class SlotFolder {
  readonly box = new UpdateBox();
  readonly slots = new Slots(this.box.software, () => [this.box.owner.publicKey]);
  readonly said: string[] = [];

  constructor() {
    onTestFinished(() => this.box.close());
    mkdirSync(this.box.software);
  }

  /** @returns its digest */
  async put(slot: Slot, version: string, proven = true): Promise<string> {
    const files: Record<string, string> = {
      'package.json': JSON.stringify({ version }),
      'bin/blindsight': '#!/bin/sh\n',
      'lib/code.js': `say('${version}');\n`,
    };
    const program = await this.slots.begin(slot);
    const list = Object.entries(files).map(([path, data]) => {
      mkdirSync(join(program, path, '..'), { recursive: true });
      writeFileSync(join(program, path), data, { mode: 0o755 });
      return [path, { bytes: data.length, sha256: sha256(data), executable: path.startsWith('bin') }];
    });
    const contents = JSON.stringify({
      ...{ schema: 1, version, platform: 'linux-x64', files: Object.fromEntries(list) },
    });
    writeFileSync(join(program, 'RELEASE.json'), contents);
    const { wire } = this.box.sign({ version, contents: sha256(contents) });
    await this.slots.finish(slot, wire);
    if (proven) await this.slots.markProven(slot);
    return softwareDigest(wire);
  }

  async write(state: Partial<SoftwareState>): Promise<void> {
    const file = await SoftwareStateFile.open(this.box.software, () => this.slots.recover());
    await file.update({ ...EMPTY_STATE, ...state });
  }

  async state(): Promise<SoftwareState> {
    return (await SoftwareStateFile.open(this.box.software, () => this.slots.recover())).current;
  }

  async choose(): Promise<string> {
    return (await choose(this.slots, (line) => this.said.push(line))).slot;
  }

  file(slot: Slot, path = 'lib/code.js'): string {
    return join(this.slots.program(slot), path);
  }
}

const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');
const trialOf = (slot: Slot, digest: string): Trial => ({
  ...{ slot, digest, tries: 0, limitMs: 300_000, graceMs: 60_000 },
  before: { cameras: ['front'], answers: true },
});

describe('the launcher', () => {
  it('starts the installed program where there is nothing else', async () => {
    expect(await new SlotFolder().choose()).toBe('base');
  });

  it('tries a program as often as it says and no more, and counts before', async () => {
    const folder = new SlotFolder();
    const active = await folder.put('a', '1.1.0');
    const digest = await folder.put('b', '1.2.0', false);
    await folder.write({ active: { slot: 'a', digest: active }, trial: trialOf('b', digest) });
    for (let tries = 1; tries <= TRIES; tries++) {
      expect(await choose(folder.slots, () => {})).toEqual({ slot: 'b', guardMs: 360_000 });
      expect((await folder.state()).trial?.tries).toBe(tries);
    }
    expect(await folder.choose()).toBe('a');
    expect(await folder.state()).toMatchObject({
      trial: null,
      active: { slot: 'a' },
      takenBack: { digest, code: 'SOFTWARE_DIED' },
      news: { code: 'SOFTWARE_DIED' },
    });
    expect(folder.said.join('\n')).toMatch(/slot b is given up: it ended 3 times .*SOFTWARE_DIED/);
    expect(await folder.choose()).toBe('a');
  });

  it('takes a program back that its guard had to end', async () => {
    const folder = new SlotFolder();
    const digest = await folder.put('a', '1.1.0', false);
    await folder.write({ trial: trialOf('a', digest) });
    expect(await folder.choose()).toBe('a');
    writeFileSync(join(folder.box.software, 'trial.4711'), '');
    writeFileSync(join(folder.box.software, 'overdue'), '');
    writeFileSync(join(folder.box.software, '.state.json.0123456789ab.tmp'), 'cut off');
    expect(await folder.choose()).toBe('base');
    expect((await folder.state()).takenBack).toMatchObject({ digest, code: 'SOFTWARE_UNHEALTHY' });
    expect(readdirSync(folder.box.software).sort()).toEqual(['a', 'state.json']);
  });

  it.each<[string, (folder: SlotFolder) => void]>([
    ['a changed byte', (folder) => flip(folder.file('a'), 5)],
    ['a changed byte in the list', (folder) => flip(folder.file('a', 'RELEASE.json'), 30)],
    ['a missing file', (folder) => rmSync(folder.file('a'))],
    ['a shorter file', (folder) => truncateSync(folder.file('a'), 3)],
    ['one more file', (folder) => writeFileSync(folder.file('a', 'lib/more.js'), '')],
    ['a link in place of a file', (folder) => relink(folder.file('a'))],
    ['a link in place of a folder', (folder) => symlinkSync('/etc', folder.file('a', 'etc'))],
    ['a missing folder', (folder) => rmSync(join(folder.box.software, 'a'), { recursive: true })],
    ['a changed release', (folder) => flip(releaseOf(folder, 'a'), 40)],
    ['a longer release', (folder) => appendFileSync(releaseOf(folder, 'a'), ' ')],
  ])('does not start a program with %s, but the one before it', async (_, damage) => {
    const folder = new SlotFolder();
    const previous = { slot: 'b', digest: await folder.put('b', '1.0.1') } as const;
    const active = { slot: 'a', digest: await folder.put('a', '1.1.0') } as const;
    await folder.write({ active, previous });
    expect(await folder.choose()).toBe('a');
    damage(folder);
    expect(await folder.choose()).toBe('b');
    expect(folder.said.join()).toMatch(/slot a is not started: .*SOFTWARE_DAMAGED/);
    expect(await folder.state()).toMatchObject({
      active: previous,
      previous: null,
      news: { code: 'SOFTWARE_DAMAGED' },
    });
    flip(folder.file('b'), 1);
    expect(await folder.choose()).toBe('base');
    expect(folder.said.at(-1)).toBe('the installed program is started');
  });

  it('does not start what another owner signed, or nobody', async () => {
    const folder = new SlotFolder();
    const digest = await folder.put('a', '1.1.0');
    await folder.write({ active: { slot: 'a', digest } });
    const stranger = new Slots(folder.box.software, () => [generateKeyPairSync('ed25519').publicKey]);
    expect((await choose(stranger, (line) => folder.said.push(line))).slot).toBe('base');
    expect(folder.said.join()).toContain('SOFTWARE_SIGNATURE');
    const nobody = new Slots(folder.box.software, () => []);
    await folder.write({ active: { slot: 'a', digest } });
    expect((await choose(nobody, () => {})).slot).toBe('base');
  });

  it('counts how often a release was given up', async () => {
    const folder = new SlotFolder();
    for (let times = 1; times <= 3; times++) {
      const digest = await folder.put('a', '1.1.0', false);
      const { takenBack } = await folder.state();
      const same = { digest, code: 'SOFTWARE_DAMAGED', message: 'x', times: times - 1 };
      await folder.write({ trial: trialOf('a', digest), takenBack: times === 1 ? takenBack : same });
      flip(folder.file('a'), 0);
      expect(await folder.choose()).toBe('base');
      expect((await folder.state()).takenBack).toMatchObject({ digest, code: 'SOFTWARE_DAMAGED', times });
    }
  });

  it('finds changed bytes of its state, and what is proven starts all the same', async () => {
    const folder = new SlotFolder();
    const previous = { slot: 'b', digest: await folder.put('b', '1.0.1') } as const;
    const active = { slot: 'a', digest: await folder.put('a', '1.1.0') } as const;
    await folder.write({ counter: 2, counterOf: active.digest, active, previous });
    const path = join(folder.box.software, 'state.json');
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at += 19) {
      writeFileSync(path, whole);
      flip(path, at);
      expect(await folder.choose(), `byte ${at}`).toBe('a');
      expect(await folder.state(), `byte ${at}`).toMatchObject({ counter: 2, active, previous });
    }
    for (const bytes of [0, 1, 100]) {
      writeFileSync(path, whole.subarray(0, bytes));
      expect(await folder.choose(), `${bytes} bytes`).toBe('a');
    }
  });

  it('does not start a program that never proved itself because its state was lost', async () => {
    const folder = new SlotFolder();
    const active = { slot: 'a', digest: await folder.put('a', '1.1.0') } as const;
    const digest = await folder.put('b', '1.2.0', false);
    await folder.write({ counter: 2, active, trial: trialOf('b', digest) });
    writeFileSync(join(folder.box.software, 'state.json'), 'x');
    expect(await folder.choose()).toBe('a');
    expect(await folder.state()).toMatchObject({ counter: 2, active, trial: null });
  });

  it('goes on from a state that a later version wrote', async () => {
    const folder = new SlotFolder();
    const active = { slot: 'a', digest: await folder.put('a', '1.1.0') } as const;
    const later = { ...EMPTY_STATE, counter: 7, active: { ...active, since: 5 }, ring: [1, { two: 'x' }] };
    const text = JSON.stringify(later);
    writeFileSync(join(folder.box.software, 'state.json'), `{"state":${text},"sha256":"${sha256(text)}"}`);
    expect(await folder.choose()).toBe('a');
    expect(await folder.state()).toMatchObject({ counter: 7, active });
  });

  it('tries nothing that it cannot count on a full disk, and goes back', async ({ skip }) => {
    const folder = new SlotFolder();
    rmSync(folder.box.software, { recursive: true });
    mkdirSync(folder.box.software);
    const disk = mountSmallDisk(1, folder.box.software);
    if (disk === null) return skip(NO_MOUNT);
    try {
      const active = { slot: 'a', digest: await folder.put('a', '1.1.0') } as const;
      const digest = await folder.put('b', '1.2.0', false);
      await folder.write({ active, trial: trialOf('b', digest) });
      disk.fill();
      expect(await folder.choose()).toBe('a');
      expect(folder.said.join()).toContain('SOFTWARE_NO_ROOM');
      expect(await folder.state(), 'the room of the program that was given up').toMatchObject({
        active,
        trial: null,
        takenBack: { digest, code: 'SOFTWARE_NO_ROOM' },
      });
      expect(existsSync(folder.slots.program('b'))).toBe(false);
      disk.fill();
      expect(await folder.choose()).toBe('a');
      flip(folder.file('a'), 0);
      expect(await folder.choose()).toBe('base');
    } finally {
      disk.unmount();
    }
  });
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
}

function relink(path: string): void {
  const copy = readFileSync(path);
  const elsewhere = join(path, '..', '..', '..', 'elsewhere');
  writeFileSync(elsewhere, copy);
  rmSync(path);
  symlinkSync(elsewhere, path);
}

function releaseOf(folder: SlotFolder, slot: Slot): string {
  const name = readdirSync(join(folder.box.software, slot)).find((entry) => entry.endsWith('.release'));
  return join(folder.box.software, slot, name!);
}
