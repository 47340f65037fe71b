import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installedPackages } from '../deploy/package/bill-of-materials.ts';
import { buildPackage } from '../deploy/package/build-package.ts';
import { PACKAGES, type PackageContents } from '../deploy/package/contents.ts';
import { OWN_ARCHITECTURE } from '../deploy/package/locked-packages.ts';
import { root } from './source-files.ts';
import { Machine, whyNoMachines } from './testing/machine/machine.ts';

const run = promisify(execFile);
const EPOCH = 1_790_000_000;
/** Where machines have Node: it is most of a package, and copied often enough by test/two-machines.test.ts. */
const NODE = '/usr/local/bin/node-of-the-clone';
const GIVE_NODE = `touch ${NODE}; mount --bind $(ls ~/blindsight/node_modules/node-linux-*/bin/node) ${NODE}`;
const WAIT = { timeout: 120_000, interval: 250 };
const SERVICES = ['agent', 'backend', 'broker'];
const obstacle = whyNoMachines();

/** What install.sh of the time of one user left on a machine that was site and gateway at once, without the program. */
const ONE_USER = `
node=$(ls node_modules/node-linux-*/bin/node)
useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin blindsight
$node cli/main.ts site init --site plaza --data /var/lib/blindsight
$node cli/main.ts gateway enrol gate-1 --data /var/lib/blindsight --out /srv/gate-1 --broker mqtts://localhost:8883
sed -i "s#^key:.*#key: /run/credentials/blindsight-broker.service/broker.key#" /var/lib/blindsight/broker.yaml
install -d -m 700 /var/lib/blindsight/broker
chown -R blindsight:blindsight /var/lib/blindsight
install -d -m 755 /etc/blindsight
install -m 644 /srv/gate-1/*.pem /etc/blindsight
install -m 600 /srv/gate-1/gateway.key /srv/gate-1/signing.key /etc/blindsight
credentials=/run/credentials/blindsight-agent.service
sed -e "/sealing/d" -e "s#\\([a-zA-Z]*:\\) *\\(gateway\\|signing\\)\\.key#\\1 $credentials/\\2.key#" -e "s#^data:.*#data: /var/lib/blindsight-agent#" \\
  /srv/gate-1/agent.yaml >/etc/blindsight/agent.yaml
chown root:blindsight /etc/blindsight/agent.yaml
chmod 640 /etc/blindsight/agent.yaml
rm -r /srv/gate-1
openssl rand -hex 24 | install -m 600 -o blindsight /dev/stdin /etc/blindsight/preview.token
install -d -o blindsight -g blindsight -m 700 /var/lib/blindsight-agent
install -d /usr/lib/blindsight/backend
for unit in agent backend broker; do
  printf '[Service]\\nUser=blindsight\\nExecStart=/usr/lib/blindsight/bin/blindsight\\n' >/etc/systemd/system/blindsight-$unit.service
done`;

/** Needed while Blindsight is built or tested, and by nobody who runs it. */
const DEVELOPMENT =
  /^(vite|vitest|typescript|binaryen|assemblyscript|rolldown|playwright-core|onnxruntime-web|lightningcss|@biomejs|@types|undici-types)\b/;

describe('packages', () => {
  let folder: string;
  let machine: Machine;
  const at = (...names: string[]) => join(folder, ...names);

  const build = async (contents: PackageContents, out: string) => {
    const scratch = at(`${out}-${contents.name}`);
    mkdirSync(scratch);
    return buildPackage({
      ...{ contents, root, scratch, out: at(out), architecture: OWN_ARCHITECTURE },
      ...{ epochSeconds: EPOCH, compression: 'none', node: at('node') },
    });
  };

  beforeAll(async () => {
    // As another user of the machine, apt reads them.
    folder = mkdtempSync(join(tmpdir(), 'blindsight-packages-'));
    writeFileSync(at('node'), `#!/bin/sh\nexec ${NODE} "$@"\n`);
    for (const contents of PACKAGES) {
      const { file } = await build(contents, 'made');
      await run('dpkg-deb', ['--raw-extract', file, at(contents.name)]);
    }
  });
  afterAll(async () => {
    await machine?.stop();
    rmSync(folder, { recursive: true });
  });

  const names = PACKAGES.map(({ name }) => name);
  const prefixOf = (name: string) => PACKAGES.find((one) => one.name === name)!.prefix;

  it.each(names)('%s has what runs, and nothing that develops', (name) => {
    const inside = installedPackages(at(name, prefixOf(name)));
    expect(inside.filter((reference) => DEVELOPMENT.test(reference))).toEqual([]);
    const all = readdirSync(at(name), { recursive: true }).map(String);
    expect(all.filter((path) => /\.(map|d\.ts)$|\.test\.ts$|\.key$/.test(path))).toEqual([]);
    const own = readdirSync(at(name, prefixOf(name)));
    expect(own).toContain('bin');
    if (name === 'blindsight-agent')
      expect(own.filter((one) => /backend|network|broker/.test(one))).toEqual([]);
    else expect(all).toContain('usr/lib/blindsight-site/cockpit/dist/index.html');
  });

  it.each(names)('%s lists each npm package that is in it, with digest, and no other', (name) => {
    const text = readFileSync(at(name, 'usr/share/doc', name, 'sbom.cdx.json'), 'utf8');
    const { components, metadata, bomFormat } = JSON.parse(text) as {
      bomFormat: string;
      metadata: { component: { name: string } };
      components: { name: string; version: string; hashes: { alg: string }[] }[];
    };
    expect([bomFormat, metadata.component.name]).toEqual(['CycloneDX', name]);
    const listed = components.map((component) => `${component.name}@${component.version}`);
    const node = listed.find((reference) => reference.startsWith('node-linux-'));
    expect(listed.filter((reference) => reference !== node).sort()).toEqual(
      [...new Set(installedPackages(at(name, prefixOf(name))))].sort(),
    );
    expect(components.every(({ hashes }) => hashes[0]?.alg === 'SHA-512')).toBe(true);
    expect(node).toBeDefined();
  });

  it.each(names)('%s has a checksum of each of its files', (name) => {
    const lines = readFileSync(at(name, 'DEBIAN/md5sums'), 'utf8').trim().split('\n');
    const listed = lines.map((line) => line.split('  ') as [string, string]);
    for (const [sum, file] of listed)
      expect(
        createHash('md5')
          .update(readFileSync(at(name, file)))
          .digest('hex'),
      ).toBe(sum);
    const found = readdirSync(at(name), { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    );
    expect(listed).toHaveLength(found.filter((one) => !one.parentPath.endsWith('DEBIAN')).length);
  });

  it('are the same bytes each time, whoever makes them', async () => {
    const contents: PackageContents = {
      ...PACKAGES[0]!,
      assemble: async (_, target, node) => {
        mkdirSync(join(target, 'node_modules', 'yaml'), { recursive: true });
        cpSync(join(root, 'node_modules', 'yaml'), join(target, 'node_modules', 'yaml'), { recursive: true });
        mkdirSync(join(target, 'bin'));
        copyFileSync(node, join(target, 'bin', 'node'));
      },
    };
    const sums = new Set<string>();
    for (const mask of [0o022, 0o077]) {
      const umask = process.umask(mask);
      sums.add((await build(contents, `umask-${mask}`).finally(() => process.umask(umask))).sha256);
    }
    expect(sums.size).toBe(1);
  });

  describe.skipIf(obstacle !== null)('on a machine', () => {
    /** What apt and dpkg keep for themselves, and what tells the time only. */
    const LISTED = String.raw`{ find /etc /usr /var /opt /srv -xdev \( -path /var/tmp -o -path /var/cache -o -path /var/log -o -path /var/lib/apt \) -prune -o -printf '%y %m %u %g %p\n' | grep -v '/var/lib/dpkg/\|/etc/\(passwd\|shadow\|group\|gshadow\)-$' | sort; cat /etc/passwd /etc/group /etc/shadow; }`;

    it('are installed, and start nothing before there are settings', async () => {
      machine = await Machine.boot('clean', folder);
      await machine.run(
        `${GIVE_NODE}; mkdir -p /srv/packages; mount --bind /run/home-of/made /srv/packages; ${LISTED} >/run/before`,
      );
      await machine.run('dpkg --install /srv/packages/*.deb');
      expect(await machine.run('blindsight --version; sudo blindsight --version')).toMatch(/^(\d\S+)\n\1\n$/);
      expect(await machine.run('readlink -f /usr/bin/blindsight')).toBe(
        '/usr/lib/blindsight-site/bin/blindsight\n',
      );
      const units = PACKAGES.flatMap((one) => one.units).join(' ');
      expect(
        await machine.run(`cd /usr/lib/systemd/system; systemd-analyze verify --man=no ${units} 2>&1`),
      ).toBe('');
      expect(await machine.run('ls /run/blindsight-*.pid 2>/dev/null || :')).toBe('');
      expect(await machine.run('dpkg --verify blindsight-agent blindsight-site')).toBe('');
    });

    it('run a site that the command makes, go on with it after an update, and stop when they are removed', async () => {
      await machine.run('sudo blindsight site init --site plaza --broker-host 192.0.2.7');
      await machine.run('sudo systemctl start blindsight-broker blindsight-backend');
      const page = 'curl --silent --fail http://127.0.0.1:8480/healthz';
      await machine.run(page);
      const pid = await machine.run('cat /run/blindsight-backend.pid');
      await machine.run('dpkg --install /srv/packages/blindsight-site_*.deb');
      expect(await machine.run('cat /run/blindsight-backend.pid')).not.toBe(pid);
      await machine.run(page);
      expect(await machine.run('sudo blindsight site broker-host')).toContain('192.0.2.7');
      await machine.run('dpkg --remove blindsight-site blindsight-agent');
      await expect(machine.run(page)).rejects.toThrow();
      await expect(machine.run('blindsight --version')).rejects.toThrow(/not found/);
      // Whoever only removes keeps site and keys.
      await machine.run(
        'test -s /etc/blindsight/installation.key -a -e /var/lib/blindsight-backend/backend.yaml',
      );
    });

    it('leave nothing when they are purged', async () => {
      await machine.run('dpkg --purge blindsight-site blindsight-agent');
      expect(await machine.run(`${LISTED} | diff /run/before - || :`)).toBe('');
    });
  });

  describe.skipIf(obstacle !== null)('instead of an installation of the time of one user', () => {
    const as = (service: string, command: string) =>
      machine.run(`sudo -u blindsight-${service} ${command}`).then(
        () => 'allowed',
        (error: Error) => (/Permission denied/.test(error.message) ? 'denied' : error.message),
      );

    it('bring it into the order of three users by installing again, with keys and data', async () => {
      await machine.stop();
      machine = await Machine.boot('both', folder);
      await machine.run(`${GIVE_NODE}${ONE_USER}`);
      await machine.run('BLINDSIGHT_PACKAGES=/run/home-of/made deploy/install.sh site plaza');
      expect(await machine.run('sudo blindsight gateway list')).toContain('gate-1');
      await expect.poll(() => machine.run('sudo blindsight gateway list'), WAIT).toMatch(/gate-1 .*online/);
      const leftovers = 'find /etc/blindsight /var/lib/blindsight* /usr/lib/blindsight* -nouser -o -nogroup';
      expect(await machine.run(`${leftovers}; ls -d /var/lib/blindsight || id blindsight || :`)).toBe('');
      // The gateway's tree holds a gateway only, also on the machine of a site.
      expect(await machine.run('ls /usr/lib/blindsight')).not.toMatch(/backend|network/);
      for (const service of SERVICES) {
        const owner = `stat -c %U /proc/$(cat /run/blindsight-${service}.pid)`;
        expect(await machine.run(owner)).toBe(`blindsight-${service}\n`);
      }
    });

    it.each([
      ['broker', 'cat /var/lib/blindsight-backend/backend.yaml'],
      ['broker', 'ls /var/lib/blindsight-agent'],
      ['broker', 'cat /etc/blindsight/installation.key'],
      ['broker', 'touch /var/lib/blindsight-for-broker/revoked-gateways'],
      ['broker', 'rm -f /var/lib/blindsight-for-broker/revoked-gateways'],
      ['backend', 'ls /var/lib/blindsight-broker'],
      ['backend', 'cat /etc/blindsight/broker.key'],
      ['backend', 'cat /etc/blindsight/installation.key'],
      ['backend', 'cat /etc/blindsight/gateway.key'],
      ['agent', 'ls /var/lib/blindsight-for-broker'],
      ['agent', 'ls /var/lib/blindsight-backend'],
      ['agent', 'ls /var/lib/blindsight-broker'],
      ['agent', 'cat /etc/blindsight/installation.key'],
      ['agent', 'cat /etc/blindsight/signing.key'],
    ])('keeps from the %s: %s', async (service, command) => {
      expect(await as(service, command)).toBe('denied');
    });

    it('tells the broker by its folder what the backend decides, and nobody else', async () => {
      const certificate = '/var/lib/blindsight-for-broker/certificates/broker.pem';
      const before = await machine.run(`cat ${certificate}`);
      await machine.run('sudo blindsight site renew');
      expect(await machine.run(`cat ${certificate}`)).not.toBe(before);
      expect(await as('broker', `cat ${certificate}`)).toBe('allowed');
      await machine.run('sudo blindsight gateway remove gate-1');
      expect(await as('broker', 'cat /var/lib/blindsight-for-broker/revoked-gateways')).toBe('allowed');
      expect(await machine.run('stat -c "%U %G %a" /var/lib/blindsight-for-broker')).toBe(
        'blindsight-backend blindsight-broker 2750\n',
      );
      const shown = 'openssl s_client -connect 127.0.0.1:8883 </dev/null 2>/dev/null | openssl x509';
      const renewed = (await machine.run(`openssl x509 -in ${certificate}`)).trim();
      await expect.poll(() => machine.run(`${shown} || :`).then((text) => text.trim()), WAIT).toBe(renewed);
    });

    it('tells who calls the command without the right to, how to call it', async () => {
      await expect(machine.run('sudo -u blindsight-backend blindsight model list')).rejects.toThrow(
        /belongs to user root, .*: run the same command with sudo\b/,
      );
      await expect(machine.run('sudo -u nobody blindsight model list')).rejects.toThrow(
        /belongs to user (root|blindsight-backend), .*: run the same command with sudo\n/,
      );
    });
  });
});
