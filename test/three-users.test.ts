import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Machine, whyNoMachines } from './testing/machine/machine.ts';

const WAIT = { timeout: 60_000, interval: 250 };
const SERVICES = ['agent', 'backend', 'broker'];
const obstacle = whyNoMachines();

/** What install.sh of the time of one user left on a machine that was site and gateway at once, without the program. */
const ONE_USER = `
node=$(ls node_modules/node-linux-*/bin/node)
useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin blindsight
$node cli/main.ts site init --site plaza --data /var/lib/blindsight
$node cli/main.ts gateway enrol gate-1 --data /var/lib/blindsight --out /root/gate-1 --broker mqtts://localhost:8883
sed -i "s#^key:.*#key: /run/credentials/blindsight-broker.service/broker.key#" /var/lib/blindsight/broker.yaml
install -d -m 700 /var/lib/blindsight/broker
chown -R blindsight:blindsight /var/lib/blindsight
install -d -m 755 /etc/blindsight
install -m 644 /root/gate-1/*.pem /etc/blindsight
install -m 600 /root/gate-1/gateway.key /root/gate-1/signing.key /etc/blindsight
credentials=/run/credentials/blindsight-agent.service
sed -e "/sealing/d" -e "s#\\([a-zA-Z]*:\\) *\\(gateway\\|signing\\)\\.key#\\1 $credentials/\\2.key#" -e "s#^data:.*#data: /var/lib/blindsight-agent#" \\
  /root/gate-1/agent.yaml >/etc/blindsight/agent.yaml
chown root:blindsight /etc/blindsight/agent.yaml
chmod 640 /etc/blindsight/agent.yaml
rm -r /root/gate-1
openssl rand -hex 24 | install -m 600 -o blindsight /dev/stdin /etc/blindsight/preview.token
install -d -o blindsight -g blindsight -m 700 /var/lib/blindsight-agent
install -d /usr/lib/blindsight/backend
for unit in agent backend broker; do
  printf '[Service]\\nUser=blindsight\\n' >/etc/systemd/system/blindsight-$unit.service
done`;

describe.skipIf(obstacle !== null)('an installation of the time of one user', () => {
  let machine: Machine;
  let homes: string;

  beforeAll(async () => {
    homes = mkdtempSync(join(tmpdir(), 'blindsight-homes-'));
    machine = await Machine.boot('both', homes);
    await machine.run(ONE_USER);
  });
  afterAll(async () => {
    await machine?.stop();
    rmSync(homes, { recursive: true });
  });

  const as = (service: string, command: string) =>
    machine.run(`sudo -u blindsight-${service} ${command}`).then(
      () => 'allowed',
      (error: Error) => (/Permission denied/.test(error.message) ? 'denied' : error.message),
    );

  it('is brought into the order of three users by installing again, with keys and data', async () => {
    await machine.run('sudo deploy/install.sh site plaza');
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
