import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { capture, findCommand, lastLines, succeeds } from './child.mjs';
import { step } from './progress.mjs';

/** Debian's packages by what they are needed for, and how their presence is seen where dpkg does not know them. */
const NEEDS = {
  video: {
    packages: ['ffmpeg'],
    present: () => findCommand('ffmpeg') !== null && findCommand('ffprobe') !== null,
  },
  'simulated camera': {
    packages: [
      'gir1.2-gst-rtsp-server-1.0',
      'python3-gi',
      'gstreamer1.0-plugins-base',
      'gstreamer1.0-plugins-good',
      'gstreamer1.0-plugins-bad',
    ],
    present: () =>
      succeeds('/usr/bin/python3', [
        '-c',
        'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer',
      ]),
  },
  'broker tests': {
    packages: ['mosquitto', 'mosquitto-clients', 'nats-server'],
    present: () =>
      (findCommand('mosquitto') !== null || existsSync('/usr/sbin/mosquitto')) &&
      findCommand('mosquitto_sub') !== null &&
      (findCommand('nats-server') !== null || existsSync('/usr/sbin/nats-server')),
  },
  'database tests': {
    packages: ['postgresql'],
    present: () => findCommand('initdb') !== null || existsSync('/usr/lib/postgresql'),
  },
  'network tests': {
    packages: ['iproute2', 'curl'],
    present: () => findCommand('ip') !== null && findCommand('curl') !== null,
  },
  'TPM tests': {
    packages: ['swtpm', 'swtpm-tools', 'tpm2-openssl', 'tpm2-abrmd', 'libtss2-tcti-tabrmd0', 'dbus'],
    present: () =>
      ['swtpm', 'swtpm_setup', 'tpm2-abrmd', 'dbus-daemon'].every((name) => findCommand(name) !== null),
  },
  'monitoring tests': {
    packages: ['prometheus'],
    present: () => ['prometheus', 'promtool'].every((name) => findCommand(name) !== null),
  },
  'page tests': { packages: ['chromium'], present: () => findCommand('chromium') !== null },
};

/** @typedef {keyof typeof NEEDS} Need */

/** What `npm start` needs with its simulated camera. @type {readonly Need[]} */
export const START_NEEDS = ['video', 'simulated camera'];

/** What `npm test` needs. @type {readonly Need[]} */
export const TEST_NEEDS = [
  ...START_NEEDS,
  'broker tests',
  'database tests',
  'network tests',
  'TPM tests',
  'monitoring tests',
  'page tests',
];

/**
 * Debian's packages, in the order in which they are listed.
 *
 * @param {readonly Need[]} needs
 */
export function packagesFor(needs) {
  return needs.flatMap((need) => NEEDS[need].packages);
}

/** Services that Debian starts with a package, although only the program is wanted. */
const UNWANTED_SERVICES = {
  mosquitto: 'mosquitto',
  'nats-server': 'nats-server',
  postgresql: 'postgresql',
  prometheus: 'prometheus',
  'tpm2-abrmd': 'tpm2-abrmd',
};

/** Tells dpkg not to start services while it installs (Debian's invoke-rc.d policy). */
const POLICY = '/usr/sbin/policy-rc.d';

/** @returns {readonly string[] | null} the words before a command that needs root, or null where that right is missing */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  return findCommand('sudo') !== null && succeeds('sudo', ['-n', 'true']) ? ['sudo', '-n'] : null;
}

function isDebian() {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

/**
 * @param {readonly string[]} packages
 * @returns {Promise<Set<string>>} those that dpkg says are installed
 */
async function installedPackages(packages) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own format
  const format = '${Package} ${db:Status-Abbrev}\\n';
  const { output } = await capture('dpkg-query', ['-W', `-f=${format}`, ...packages]);
  return new Set([...output.matchAll(/^(\S+) ii/gm)].map((match) => String(match[1])));
}

/**
 * @param {readonly string[]} prefix
 * @param {readonly string[]} packages
 * @returns {Promise<string | null>} null, or why it failed
 */
async function install(prefix, packages) {
  const run = (/** @type {readonly string[]} */ args) => {
    const [command = 'env', ...rest] = [...prefix, 'env'];
    return capture(command, [...rest, 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args]);
  };
  const installArgs = ['install', '--yes', '--no-install-recommends', ...packages];
  const holdServices = prefix.length === 0 && !existsSync(POLICY);
  if (holdServices) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    let result = await run(installArgs);
    if (result.code !== 0) {
      // Lists of a fresh machine are empty or name versions that are gone.
      await run(['update']);
      result = await run(installArgs);
    }
    if (result.code !== 0) return lastLines(result.output, 4);
  } finally {
    if (holdServices) rmSync(POLICY, { force: true });
  }
  await stopServices(prefix, packages);
  return null;
}

/**
 * Ends and disables the services that came with packages just installed. Those of packages that were there before
 * are somebody's own and stay untouched.
 *
 * @param {readonly string[]} prefix
 * @param {readonly string[]} packages
 */
async function stopServices(prefix, packages) {
  if (!existsSync('/run/systemd/system')) return;
  for (const [name, service] of Object.entries(UNWANTED_SERVICES)) {
    if (!packages.includes(name)) continue;
    const [command, ...rest] = [...prefix, 'systemctl', 'disable', '--now', service];
    await capture(command, rest);
  }
}

/**
 * Installs the system packages that are missing, where this process may. Otherwise says in one line what to install and
 * lets the caller go on: whoever needs the program says so in its own words.
 *
 * @param {readonly Need[]} needs
 */
export async function ensureSystemPackages(needs) {
  const missingNeeds = needs.filter((need) => !NEEDS[need].present());
  if (missingNeeds.length === 0) return;
  let missing = packagesFor(missingNeeds);
  const debian = isDebian() && findCommand('apt-get') !== null;
  if (debian) {
    const installed = await installedPackages(missing);
    missing = missing.filter((name) => !installed.has(name));
  }
  const prefix = debian ? rootPrefix() : null;
  let reason = '';
  if (prefix !== null) {
    const failure = await step(`Installing system packages (${missing.join(', ')})`, () =>
      install(prefix, missing),
    );
    if (failure === null) return;
    reason = `\n    ${failure}\n `;
  }
  process.stderr.write(
    `blindsight: needed for ${missingNeeds.join(', ')}, please install:${reason} sudo apt-get install --no-install-recommends ${missing.join(' ')}\n`,
  );
}
