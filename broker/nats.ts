import { queueNames } from '#protocol/queue-names.ts';
import { VIEWER_COMMON_NAME } from '#protocol/topics.ts';
import { accessOf, type Identity } from './access.ts';

const HEAD = `# Users of a NATS server for one Blindsight site: made from broker/access.ts by
#   node deploy/nats/make-users.ts SITE GATEWAY... > users.conf
# A user is the subject of a client's certificate (verify_and_map); whoever is not listed is refused.
`;

/**
 * Where the server hands an MQTT client its messages of quality 1. The name ends in a random part that is the connection's own, and the server grants no
 * subscription of a client below it (mqttIsReservedSub), so nobody can listen in.
 */
const DELIVERIES = '$MQTT.sub.>';

/**
 * Users and permissions of a NATS server for a site, with the rules of the embedded broker, as an included file of its configuration. NATS knows no rule for
 * retained messages: who may write a topic may retain there.
 *
 * @param gateways names of those that are enrolled and not withdrawn: NATS has no pattern for a name
 * @param viewers names of the read-only programs
 */
export function natsUsers(
  site: string,
  gateways: readonly string[],
  viewers: readonly string[] = [],
): string {
  const users = [
    user(site, 'CN=backend', { kind: 'backend', name: 'backend' }),
    user(site, 'CN=cockpit', { kind: 'cockpit', name: 'cockpit' }),
    ...viewers.map((name) =>
      user(site, `CN=${VIEWER_COMMON_NAME},OU=${name}`, { kind: 'viewer', name: `viewer.${name}` }),
    ),
    ...gateways.map((name) => user(site, `CN=${name}`, { kind: 'gateway', name })),
  ];
  return `${HEAD}users = [\n${users.join('\n')}\n]\n`;
}

function user(site: string, subject: string, identity: Identity): string {
  const { write, read } = accessOf(site, identity);
  const queue = identity.kind === 'backend' ? queueSubjects(site) : { publish: [], subscribe: [] };
  const publish = [...write.flatMap(({ filter }) => subjectsOf(filter)), ...queue.publish];
  const subscribe = [...read.flatMap(subjectsOf), DELIVERIES, ...queue.subscribe];
  return [
    `  { user: ${quoted(subject)}, permissions: {`,
    // An empty list would allow everything.
    `      publish: ${publish.length === 0 ? '{ deny: ">" }' : `{ allow: ${list(publish)} }`}`,
    `      subscribe: { allow: ${list(subscribe)} }`,
    '  } }',
  ].join('\n');
}

/** What the backend needs for the stream in which envelopes wait, of this site and no other; all else of JetStream's API it has no business with. */
function queueSubjects(site: string) {
  const { stream, subjects, answers } = queueNames(site);
  const api = [
    ...['CREATE', 'UPDATE', 'INFO', 'MSG.GET', 'MSG.DELETE'].map((call) => `STREAM.${call}.${stream}`),
    ...['CREATE', 'DELETE', 'INFO', 'MSG.NEXT'].map((call) => `CONSUMER.${call}.${stream}.>`),
    `CONSUMER.CREATE.${stream}`,
    `DIRECT.GET.${stream}`,
  ];
  return {
    publish: [`${subjects}.*`, ...api.map((call) => `$JS.API.${call}`)],
    subscribe: [`${answers}.>`],
  };
}

/** An MQTT filter as NATS subjects: `/` is `.`, `+` is `*`, and `#` is `>`, which does not match its parent, as `#` does. */
function subjectsOf(filter: string): string[] {
  const subject = filter.replaceAll('/', '.').replaceAll('+', '*');
  return subject.endsWith('.#') ? [subject.slice(0, -2), subject.replace(/#$/, '>')] : [subject];
}

const quoted = (text: string): string => JSON.stringify(text);
const list = (subjects: readonly string[]): string =>
  `[\n        ${subjects.map(quoted).join('\n        ')}\n      ]`;
