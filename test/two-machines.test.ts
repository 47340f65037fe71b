import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateView, SiteState } from '#protocol/api.ts';
import { joinMachines, Machine, whyNoMachines } from './testing/machine/machine.ts';
import { type Block, operationsBlocks } from './testing/operations-blocks.ts';

const BROKER = '192.0.2.7';
const GATEWAY = '192.0.2.20';
const CAMERA_PORT = 8554;
const CAMERA = `/usr/bin/python3 demo/camera.py demo/counter/counter.mp4 --port ${CAMERA_PORT}`;
const WAIT = { timeout: 120_000, interval: 250 };
const MASK = 'masks: [[[0, 0], [0.1, 0], [0, 0.1]]]';
const FILE = '/srv/gateways/gate-1.yaml';
const BACKEND = '/var/lib/blindsight-backend/backend.yaml';

const blocks = operationsBlocks();
const commands = blocks.filter(({ machine }) => machine !== null);
const obstacle = whyNoMachines();
if (obstacle !== null) console.warn(`docs/operations.md on two machines is not tested: ${obstacle}`);

describe('docs/operations.md', () => {
  it('says of each block where it is typed, but for what has tests of its own, and a container and a database, which are not at hand here', () => {
    const rest = blocks.filter(({ machine }) => machine === null);
    expect(rest.map(({ section }) => section)).toEqual([
      // agent/several-networks.test.ts, cli/commands/gateway.test.ts
      'Several networks on one gateway',
      // test/map.test.ts, cli/commands/camera-zone.test.ts
      'Counts, maps and zones',
      // test/home-assistant.test.ts
      'Home Assistant',
      'Container',
      'PostgreSQL',
    ]);
  });
});

/**
 * An installation from nothing, by who follows the text to the letter, on a machine for the site and on one for a gateway; in between what goes wrong: a mistake in
 * the settings, settings after which the link stays away, a program that does not run, a certificate that is withdrawn.
 */
describe.skipIf(obstacle !== null)('docs/operations.md on two machines', () => {
  const machines: Partial<Record<'site' | 'gateway', Machine>> = {};
  const booted: Machine[] = [];
  let homes: string;
  let followed = 0;

  async function boot(name: string): Promise<Machine> {
    const machine = await Machine.boot(name, homes);
    booted.push(machine);
    await machine.run(`echo ${BROKER} broker.example.org >>/etc/hosts`);
    return machine;
  }

  beforeAll(async () => {
    homes = mkdtempSync(join(tmpdir(), 'blindsight-homes-'));
    machines.site = await boot('site');
    machines.gateway = await boot('gate-1');
    await joinMachines([
      [machines.site, BROKER],
      [machines.gateway, GATEWAY],
    ]);
    expect(JSON.parse(await machines.gateway.start(CAMERA))).toEqual({ port: CAMERA_PORT });
  });
  afterAll(async () => {
    for (const machine of booted) await machine.stop();
    rmSync(homes, { recursive: true });
  });

  const site = (typed: string) => machines.site!.run(typed);
  const gateway = (typed: string) => machines.gateway!.run(typed);
  const blindsight = (words: string) => site(`sudo blindsight ${words}`);
  /** With which code a command ends. */
  const exitCode = async (words: string) =>
    Number(await site(`sudo blindsight ${words} >/dev/null 2>&1 && echo 0 || echo $?`));

  /**
   * Types the blocks of a section, each on its machine; none is left out and none comes before its turn.
   *
   * @param edit what is typed where an editor opens, as a script for sed
   * @returns what they printed
   */
  async function follow(section: string, edit = ''): Promise<string> {
    const outputs: string[] = [];
    while (commands[followed]?.section === section) outputs.push(await type(commands[followed++]!, edit));
    expect(outputs, `blocks of “${section}” in their turn`).not.toEqual([]);
    return outputs.join('');
  }

  const type = ({ machine, commands: typed }: Block, edit = '') =>
    machines[machine!]!.run(typed, { TYPED: edit });

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

  /** Types settings into the file that is pushed, beginning with what is there. */
  async function settle(edit: string): Promise<void> {
    await site(
      `sudo blindsight gateway config show gate-1 >${FILE}; sed -i -e '/nowhere.token/d;${edit}' ${FILE}`,
    );
  }

  const certificates = async () =>
    JSON.parse(await blindsight('site certificates --json')) as CertificateView[];

  /** Lets the program have another version, as a newer clone would. */
  async function clone(version: string, more = ''): Promise<void> {
    const file = `/tmp/package-${version}.json`;
    await site(`sed -E '0,/"version":/s/"version": "[^"]+"/"version": "${version}"/' package.json >${file}`);
    await site(`mount --bind ${file} package.json; ${more}`);
  }

  it('makes a site, and a gateway that makes its own keys', async () => {
    await follow('A site');
    // Certificates of which two thirds are over when they are issued, as they begin a day in the past.
    const trial = `sed -i '/^certificates:/d;/^  gatewayDays:/d' ${BACKEND}; echo 'certificates: { gatewayDays: 0.3 }' >>${BACKEND}`;
    await site(`${trial}; sudo systemctl restart blindsight-backend`);
    await follow('A gateway');
    await site(
      `sed -i 's/gatewayDays: 0.3/gatewayDays: 365/' ${BACKEND}; sudo systemctl restart blindsight-backend`,
    );
    await expect
      .poll(() => blindsight('gateway list'), WAIT)
      .toMatch(/^gate-1 .* online\b.* counter version 1 /m);
    // Private keys are where they were made, and what could decrypt is not on the gateway.
    expect(await site('find /etc /home /root /var -xdev -name signing.key -o -xdev -name gateway.key')).toBe(
      '',
    );
    expect(await gateway('ls /usr/lib/blindsight')).not.toMatch(/backend|network/);
    await expect(site('ssh gate-1.example.org cat invitation.txt')).rejects.toThrow('No such file');
  });

  it('gives it a camera and a mask from afar, and changes nothing where there is a mistake', async () => {
    const camera = `{ name: counter, url: "rtsp://127.0.0.1:${CAMERA_PORT}/counter", rate: 2`;
    // The second edit finds what the first one typed.
    const output = await follow(
      'Configure from afar',
      `s|rate: 2 }|rate: 2, ${MASK} }|;s|^cameras: \\[\\]$|cameras: [${camera} }]|`,
    );
    expect(output).toMatch(
      /^gate-1 runs version 1\.$.*^\+cameras: .*masks.*^gate-1 runs version 2\.$.*^2 .* applied, runs .*^gate-1 runs version 3\.$/ms,
    );
    await freshAnswer();
    const { cameras } = await state();
    expect(cameras).toMatchObject([{ camera: 'counter', gateway: 'gate-1', result: { historical: false } }]);
    expect(['present', 'absent']).toContain(cameras[0]!.result!.label);

    await settle('s|rate: 2 }|rate: 200 }|');
    await expect(blindsight(`gateway config push gate-1 --file ${FILE}`)).rejects.toThrow(
      /cameras\[0\]\.rate|cameras\.0\.rate/,
    );
    await settle('s|^cameras:|preview: { tokenFile: nowhere.token }\\ncameras:|');
    expect(await exitCode(`gateway config push gate-1 --file ${FILE}`)).toBe(4);
    await freshAnswer();
  });

  it('goes back to the settings before where the link does not come back', async () => {
    await settle('s|rate: 2 }|rate: 1 }|');
    // It reads the push once nothing that it sends arrives any more, so that it can tell nobody of it. The cable alone would not do: what lies unacknowledged
    // on it keeps back what is sent after it.
    await gateway('kill -STOP $(cat /run/blindsight-agent.pid)');
    const pushing = exitCode(`gateway config push gate-1 --file ${FILE} --wait 240`);
    await expect
      .poll(() => site('cat /var/log/blindsight-backend.log'), WAIT)
      .toMatch(/"version":5,.*configuration published/);
    await gateway(`ip neigh replace ${BROKER} lladdr 02:00:00:00:00:01 dev eth0 nud permanent`);
    await gateway('kill -CONT $(cat /run/blindsight-agent.pid)');
    await expect
      .poll(() => gateway('cat /var/log/blindsight-agent.log'), WAIT)
      .toMatch(/"CONFIGURATION_NO_LINK".* version 5/);
    await gateway(`ip neigh del ${BROKER} dev eth0`);
    expect(await pushing).toBe(4);
    await expect.poll(() => blindsight('gateway config history gate-1'), WAIT).toMatch(/^5 .* reverted/m);
    await freshAnswer();
  });

  it('shows on the gateway what its camera sees', async () => {
    await follow('Aiming a camera', '/^preview:/d;$a preview: { tokenFile: /etc/blindsight/preview.token }');
    const page = await gateway('curl --silent --fail http://127.0.0.1:8090');
    expect(page).toContain('<title>Aiming preview</title>');
  });

  it('protects a network for several regions', async () => {
    expect(await follow('Several regions of one camera')).toContain('counter-4 version 1');
  });

  it('carries commands out, and renews the certificate of the gateway by itself', async () => {
    await follow('Commands to a gateway');
    expect(await site('tar -tzf /srv/gateways/gate-1.tar.gz')).toContain('README');
    const ends = async () =>
      Date.parse(
        (await certificates())
          .filter(({ kind }) => kind === 'gateway')
          .map(({ ends }) => ends)
          .sort()
          .at(-1)!,
      );
    await expect.poll(ends, WAIT).toBeGreaterThan(Date.now() + 300 * 86_400_000);
    await freshAnswer();
  });

  it('updates the program of the gateway, and goes back by itself from one that does not run', async () => {
    await clone('0.2.0');
    expect(await follow('The program of the gateways')).toMatch(/0\.2\.0/);
    expect(await blindsight('gateway show gate-1')).toContain('0.2.0');
    await freshAnswer();
    await clone(
      '0.3.0',
      'echo "process.exit(1)" >/tmp/broken.ts; mount --bind /tmp/broken.ts cli/daemons/agent.ts',
    );
    await site('npx node deploy/edge/archive.ts /srv/gateways/bad.tar.gz; umount cli/daemons/agent.ts');
    await blindsight('software add /srv/gateways/bad.tar.gz');
    expect(await exitCode('rollout start software 0.3.0 --to gate-1 --wait')).toBe(3);
    expect(await blindsight('gateway show gate-1')).toMatch(/0\.2\.0/);
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
    await gateway(
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
    expect(await follow('Certificates that end')).toMatch(
      /the backend expires on .*the broker expires on .* viewer +home /s,
    );
    await freshAnswer();
    const viewer = (await certificates()).find(({ kind }) => kind === 'viewer')!;
    expect(await blindsight(`site revoke ${viewer.serial}`)).toContain('viewer home is revoked');
    await freshAnswer();
  });

  it('goes on with Mosquitto: settings, mistakes, a certificate that is withdrawn, and another machine in its place', async () => {
    await follow('Mosquitto instead of the embedded broker');
    await freshAnswer();
    // The file with the token is on this machine only.
    await settle(`/^preview:/d;s|rate: 2 }|rate: 2, ${MASK} }|`);
    expect(await exitCode(`gateway config push gate-1 --file ${FILE}`)).toBe(0);
    await settle('/^preview:/d;s|^cameras:|preview: { tokenFile: nowhere.token }\\ncameras:|');
    expect(await exitCode(`gateway config push gate-1 --file ${FILE}`)).toBe(4);
    await freshAnswer();

    const own = (await certificates()).filter(
      ({ kind, state: now }) => kind === 'gateway' && now !== 'revoked',
    );
    for (const { serial, name } of own) if (name === 'gate-1') await blindsight(`site revoke ${serial}`);
    const list = '/var/lib/blindsight-for-broker/certificates/revoked.crl /etc/mosquitto/blindsight';
    await site(`sudo install -o mosquitto -m 600 ${list}\nsudo systemctl restart mosquitto`);
    await expect
      .poll(() => gateway('tail -n 30 /var/log/blindsight-agent.log'), WAIT)
      .toContain('LINK_REFUSED');

    await follow('A gateway that is replaced');
    await gateway('sudo systemctl stop blindsight-agent; ip link del eth0');
    machines.gateway = await boot('gate-1');
    await joinMachines([
      [machines.site!, BROKER],
      [machines.gateway, GATEWAY],
    ]);
    expect(JSON.parse(await machines.gateway.start(CAMERA))).toEqual({ port: CAMERA_PORT });
    for (const block of commands) {
      if (block.section === 'A gateway' && block.machine === 'gateway') await type(block);
    }
    await freshAnswer();
    expect((await state()).gateways[0]?.configuration?.status).toBe('applied');
  });

  it('withdraws a gateway', async () => {
    await follow('A gateway that is gone');
    await expect.poll(async () => (await state()).gateways.map(({ name }) => name), WAIT).toEqual(['gate-2']);
  });

  it('lets nobody in without log-in once somebody has an account, and has noted all of this', async () => {
    const anna = commands[followed]!;
    expect(anna.section).toBe('People');
    followed++;
    await site(
      anna.commands.replace(
        'sudo blindsight person add',
        'echo "a long enough 9assword" | sudo blindsight person add',
      ),
    );
    expect(await state()).toMatchObject({ error: { code: 'API_LOGIN_NEEDED' } });
    const log = await follow('The audit log');
    for (const word of ['invite', 'replace', 'remove', 'gate-1', 'anna']) expect(log).toContain(word);
    expect(followed).toBe(commands.length);
  });
});
