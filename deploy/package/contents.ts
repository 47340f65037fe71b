import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { assembleEdgeTree } from '../edge/edge-tree.ts';
import { assembleSiteTree } from '../site/site-tree.ts';

/** A Debian package: what is in it, and what the control file says. */
export type PackageContents = {
  readonly name: 'blindsight-agent' | 'blindsight-site';
  /** Where its program is installed. */
  readonly prefix: string;
  readonly units: readonly string[];
  /** Debian packages beside the C library. */
  readonly depends: readonly string[];
  readonly summary: string;
  /** Lines of at most 79 characters. */
  readonly description: readonly string[];
  /** @param root the repository, with the npm packages of the machine that it is for. @param node the Node of that machine */
  readonly assemble: (root: string, target: string, node: string) => Promise<void>;
};

/** What maintainer scripts call: useradd, and Debian's handling of services on machines that systemd runs, or does not. */
const TOOLS = ['passwd', 'init-system-helpers (>= 1.52)'];

export const PACKAGES: readonly PackageContents[] = [
  {
    name: 'blindsight-agent',
    prefix: '/usr/lib/blindsight',
    units: ['blindsight-agent.service'],
    // kill, by which systemd tells it to read its settings again.
    depends: ['ffmpeg', 'procps', ...TOOLS],
    summary: 'encrypted neural networks on the pictures of cameras: the gateway',
    description: [
      'Watches cameras and answers with ciphertexts that only their owner can open.',
      'It holds no secret key and no readable network. Waits until the gateway is',
      'enrolled with a site.',
    ],
    assemble: async (root, target, node) => {
      await assembleEdgeTree(root, target);
      copyFileSync(node, join(target, 'bin', 'node'));
      chmodSync(join(target, 'bin', 'node'), 0o755);
    },
  },
  {
    name: 'blindsight-site',
    prefix: '/usr/lib/blindsight-site',
    units: [
      'blindsight-broker.service',
      'blindsight-backend.service',
      'blindsight-auditor.service',
      // Nobody starts these but who divides the backend into processes.
      'blindsight-role@.service',
      'blindsight-decryptor@.service',
    ],
    // setpriv, by which the command becomes the user of the backend.
    depends: ['util-linux', ...TOOLS],
    summary: 'encrypted neural networks on the pictures of cameras: the site',
    description: [
      'The MQTT broker, the backend that protects networks, sends them to gateways',
      'and opens their answers, its page, and the command line. Waits until',
      '`blindsight site init` has made a site. Where an auditor is to have a machine of',
      'its own, that is in it, too.',
    ],
    assemble: async (root, target, node) => {
      assembleSiteTree(root, target, node);
    },
  },
];
