import { VIEWER_COMMON_NAME } from '#protocol/topics.ts';
import { accessOf, type Identity } from './access.ts';

const HEAD = `# Access list of Mosquitto for one Blindsight site: made from broker/access.ts by
#   node deploy/mosquitto/make-acl.ts SITE > acl
# The user name is the common name of the client's certificate (use_identity_as_username in mosquitto.conf).
`;

/** Mosquitto's access list for a site, with the rules of the embedded broker. */
export function mosquittoAccessList(site: string): string {
  const gateway = rules(site, { kind: 'gateway', name: '%u' });
  const backend = rules(site, { kind: 'backend', name: 'backend' });
  const viewer = rules(site, { kind: 'viewer', name: 'viewer.any' });
  const cockpit = rules(site, { kind: 'cockpit', name: 'cockpit' });
  return [
    HEAD,
    'user backend',
    ...backend.map((rule) => `topic ${rule}`),
    '',
    'user cockpit',
    // Patterns hold for every user: this takes them back.
    `topic deny blindsight/v1/${site}/cockpit/#`,
    ...cockpit.map((rule) => `topic ${rule}`),
    '',
    '# Read-only programs: one name for all of them.',
    `user ${VIEWER_COMMON_NAME}`,
    `topic deny blindsight/v1/${site}/${VIEWER_COMMON_NAME}/#`,
    ...viewer.map((rule) => `topic ${rule}`),
    '',
    '# Gateways, by name.',
    ...gateway.map((rule) => `pattern ${rule}`),
    '',
  ].join('\n');
}

function rules(site: string, identity: Identity): string[] {
  const { write, read } = accessOf(site, identity);
  return [...write.map(({ filter }) => `write ${filter}`), ...read.map((filter) => `read ${filter}`)];
}
