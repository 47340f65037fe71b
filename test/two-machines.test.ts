import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteState } from '#protocol/api.ts';
import { joinMachines, Machine, whyNoMachines } from './testing/machine/machine.ts';
import { operationsBlocks } from './testing/operations-blocks.ts';

const BROKER = '192.0.2.7';
const CAMERA_PORT = 8554;
const CAMERA = `/usr/bin/python3 demo/camera.py demo/counter/counter.mp4 --port ${CAMERA_PORT}`;
const WAIT = { timeout: 60_000, interval: 250 };

const blocks = operationsBlocks();
const commands = blocks.filter(({ machine }) => machine !== null);
const obstacle = whyNoMachines();
if (obstacle !== null) console.warn(`docs/operations.md on two machines is not tested: ${obstacle}`);

describe('docs/operations.md', () => {
  it('says of each block where it is typed, but for a container and a database, which are not at hand here', () => {
    const rest = blocks.filter(({ machine }) => machine === null);
    expect(rest.map(({ section }) => section)).toEqual(['Container', 'PostgreSQL']);
  });
});

/** Who follows the text to the letter, on a machine for the site and on one for a gateway, has what it promises. */
describe.skipIf(obstacle !== null)('docs/operations.md on two machines', () => {
  const machines: Partial<Record<'site' | 'gateway', Machine>> = {};
  let homes: string;
  let followed = 0;

  beforeAll(async () => {
    homes = mkdtempSync(join(tmpdir(), 'blindsight-homes-'));
    machines.site = await Machine.boot('site', homes);
    machines.gateway = await Machine.boot('gate-1', homes);
    await joinMachines([
      [machines.site, BROKER],
      [machines.gateway, '192.0.2.20'],
    ]);
    for (const machine of [machines.site, machines.gateway]) {
      await machine.run(`echo ${BROKER} broker.example.org >>/etc/hosts`);
    }
    expect(JSON.parse(await machines.gateway.start(CAMERA))).toEqual({ port: CAMERA_PORT });
  });
  afterAll(async () => {
    for (const machine of Object.values(machines)) await machine.stop();
    rmSync(homes, { recursive: true });
  });

  const site = (typed: string) => machines.site!.run(typed);
  const blindsight = (words: string) => site(`sudo blindsight ${words}`);

  /**
   * Types the blocks of a section, each on its machine; none is left out and none comes before its turn.
   *
   * @param edit what is typed where an editor opens, as a script for sed
   * @returns what they printed
   */
  async function follow(section: string, edit = ''): Promise<string> {
    const outputs: string[] = [];
    while (commands[followed]?.section === section) {
      const block = commands[followed++]!;
      outputs.push(await machines[block.machine!]!.run(block.commands, { TYPED: edit }));
    }
    expect(outputs, `blocks of “${section}” in their turn`).not.toEqual([]);
    return outputs.join('');
  }

  /** What the command of the text prints that tells whether it works. */
  async function state(): Promise<SiteState> {
    const call = commands.find((block) => block.section === 'A gateway' && block.commands.includes('curl'));
    const printed = await site(call!.commands);
    return JSON.parse(printed.slice(printed.indexOf('{'))) as SiteState;
  }

  /** Waits for an answer about a picture that is taken from now on. */
  async function freshAnswer(): Promise<void> {
    const now = Date.now();
    const newest = async () => Date.parse((await state()).cameras[0]?.result?.frameTime ?? '1970-01-01Z');
    await expect.poll(newest, WAIT).toBeGreaterThan(now);
  }

  it('makes a site, and a gateway whose encrypted answers it decrypts', async () => {
    await follow('A site');
    await follow(
      'A gateway',
      `s|^cameras:.*|cameras: [{ name: counter, url: "rtsp://127.0.0.1:${CAMERA_PORT}/counter", rate: 2 }]|`,
    );
    await freshAnswer();
    const { cameras, gateways } = await state();
    expect(gateways).toMatchObject([
      { name: 'gate-1', state: 'online', model: { name: 'counter', version: 1 } },
    ]);
    expect(cameras).toMatchObject([{ camera: 'counter', gateway: 'gate-1', result: { historical: false } }]);
    expect(['present', 'absent']).toContain(cameras[0]!.result!.label);
    expect(await blindsight('gateway list')).toMatch(
      /^gate-1 .* online .* counter version 1 \(release 1\), runs$/m,
    );
    // What could decrypt is not on the gateway.
    expect(await machines.gateway!.run('ls /usr/lib/blindsight')).not.toMatch(/backend|network/);
  });

  it('shows on the gateway what its camera sees', async () => {
    await follow('Aiming a camera', '$a preview: { tokenFile: preview.token }');
    const page = await machines.gateway!.run('curl --silent --fail http://127.0.0.1:8090');
    expect(page).toContain('<title>Aiming preview</title>');
  });

  it('protects a network for several regions', async () => {
    expect(await follow('Several regions of one camera')).toContain('counter-4 version 1');
  });

  it('changes the settings of a gateway from afar', async () => {
    const camera = `{ name: counter, url: "rtsp://127.0.0.1:${CAMERA_PORT}/counter", rate: 2`;
    // The second edit finds what the first one typed.
    const output = await follow(
      'Configure from afar',
      `s|rate: 2 }|rate: 2, masks: [[[0, 0], [0.1, 0], [0, 0.1]]] }|;s|^cameras: \\[\\]$|cameras: [${camera} }]|`,
    );
    expect(output).toMatch(
      /^gate-1 runs version 1\.$.*^\+cameras: .*masks.*^gate-1 runs version 2\.$.*^2 .* applied, runs .*^gate-1 runs version 3\.$/ms,
    );
    await freshAnswer();
  });

  it('refuses an address of the broker that its certificate does not cover, and takes it once it does', async () => {
    const enrol =
      'gateway enrol gate-2 --out /var/lib/blindsight-backend/packages/gate-2 --broker mqtts://192.0.2.7:8883';
    await expect(blindsight(enrol)).rejects.toThrow(
      /covers localhost, 127\.0\.0\.1, broker\.example\.org, not 192\.0\.2\.7\. Add it, then enrol: .*site broker-host 192\.0\.2\.7[ `]/,
    );
    await follow('Another name of the broker');
    await blindsight(enrol);
    // With the keys that it has.
    await machines.gateway!.run(
      'sudo sed -i s/broker.example.org/192.0.2.7/ /etc/blindsight/agent.yaml\nsudo systemctl restart blindsight-agent',
    );
    await freshAnswer();
  });

  it('puts a gateway into quarantine and takes it out', async () => {
    expect(await follow('Quarantine')).toMatch(/is in quarantine.*was released.*was not in quarantine/s);
    await freshAnswer();
  });

  it('goes on from a backup', async () => {
    await follow('Backup');
    await freshAnswer();
  });

  it('renews the certificates of broker and backend, and the gateway needs nothing new', async () => {
    expect(await follow('Certificates that end')).toMatch(/the backend expires on .*the broker expires on /s);
    await freshAnswer();
  });

  it('withdraws a gateway', async () => {
    await follow('A gateway that is gone');
    await expect.poll(async () => (await state()).gateways.map(({ name }) => name), WAIT).toEqual(['gate-2']);
    expect(followed).toBe(commands.length);
  });
});
