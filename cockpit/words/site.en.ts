import { REFUSALS, type Refusal } from '#protocol/refusals.ts';
import { WITHHELD, type Withheld } from '#protocol/withheld.ts';
import { plural } from './plural.ts';

/** Of the site as a whole, in English: what needs somebody, who is let in, how it is protected, what was counted. */
export const SITE_EN = {
  notices: {
    since: (moment: string) => ` (since ${moment})`,
    trouble: (moment: string, message: string) => `Since ${moment}: ${message}.`,
    broker: (detail: string) =>
      `The message broker is unreachable (${detail}). Gateways keep their answers until it is back.`,
    offline: (gateway: string, since: string) => `Gateway ${gateway} is offline${since}.`,
    twice: (gateway: string, since: string) =>
      `Gateway ${gateway} is running twice${since}: two processes with its identity keep disconnecting each other.`,
    ofGateway: (gateway: string, text: string) => `Gateway ${gateway}: ${text}`,
    dropped: (gateway: string, count: string) =>
      `Gateway ${gateway} lost ${count} answers before they could be sent: it was offline for too long, or its disk was full. Its log says when.`,
    certificate: {
      ofGateway: (name: string) => `gateway ${name}`,
      owners: { backend: 'the backend', broker: 'the broker' },
      ends: (whose: string, isOver: boolean, moment: string) =>
        `The certificate of ${whose} ${isOver ? 'expired' : 'expires'} on ${moment}: from then on it cannot be used to connect.`,
      renewsItself: (command: string) =>
        `It renews itself while the gateway is connected. If that fails, run ${command} and enrol its machine again.`,
      renew: (command: string, isBackend: boolean) =>
        `Run ${command}${isBackend ? ', and restart the backend' : ''}.`,
    },
    clock: {
      ahead: (gateway: string, span: string) =>
        `The clock of gateway ${gateway} is ${span} ahead of the backend’s.`,
      behind: (gateway: string, span: string) =>
        `The clock of gateway ${gateway} is ${span} behind the backend’s.`,
      future:
        'Until it is corrected, its answers are refused and lost, because they are dated in the future.',
      dated: 'Until it is corrected, its pictures are dated by when their answers arrive.',
      older:
        'Until it is corrected, its answers look older than they are; those that look too old are refused and lost.',
      action:
        'Find out which of the two is wrong, and turn on time synchronization there (sudo timedatectl set-ntp true).',
    },
    quarantine: {
      since: (gateway: string, moment: string, reason: string) =>
        `Gateway ${gateway} has been in quarantine since ${moment}: ${reason}.`,
      dropped: (count: string) => ` (${count} older ones had to be dropped)`,
      kept: (count: string, dropped: string) => `Its answers are kept unopened, ${count} so far${dropped}.`,
      action: (command: string) =>
        `Once you have looked into it, open them with “${command}”, or discard them by adding “--discard”.`,
    },
    leak: {
      told: (gateway: string, isHalf: boolean) =>
        `Answers of gateway ${gateway} may have told ${isHalf ? 'half' : 'a quarter'} of its key to somebody who controls it and reads them.`,
      audit:
        'Turn audits on (audit.share), or new keys would be spent as soon; then give it new keys on its page.',
      spent: 'It gets new keys; its page can give it some, too.',
      later: 'At half of it, it gets new keys by itself.',
    },
  },
  withheldReasons: WITHHELD as Readonly<Record<Withheld, string>>,
  login: {
    title: 'This cockpit is locked',
    tokenWhere: 'The token is in the backend’s settings; whoever set up this site has it.',
    accounts: 'An owner of this site gives out accounts.',
    token: 'Token',
    name: 'Name',
    password: 'Password',
    open: 'Open the cockpit',
    opening: 'Opening …',
    withPassword: 'Log in with name and password',
    withToken: 'Log in with the token of the site',
    tokenFirst: 'Enter the token first.',
    passwordFirst: 'Enter name and password first.',
    away: 'The backend does not answer. Try again in a moment.',
    wrongToken: 'This is not the token of this site.',
    wrongPassword: 'Name and password do not belong together. Check both.',
    failed: (status: number) => `The backend could not open a session (${status}).`,
    minutes: (count: number) =>
      `Too many attempts. The next one is possible in ${plural(count, 'minute', 'minutes')}.`,
    seconds: (count: number) =>
      `Too many attempts. The next one is possible in ${plural(count, 'second', 'seconds')}.`,
  },
  /** Of a request that the backend said nothing to. */
  request: {
    refused: (status: number) => `the backend refused it (${status})`,
    away: 'the backend does not answer; try again in a moment',
  },
  who: {
    token: 'Token of the site',
    logOut: 'Log out',
    roles: {
      viewer: 'viewer',
      integrator: 'integrator',
      operator: 'operator',
      owner: 'owner',
      auditor: 'auditor',
      none: 'none',
    },
  },
  protection: {
    line: 'Gateways compute on encrypted pictures with an encrypted network: they never learn the network or an answer, and no readable picture leaves them.',
    more: 'How it is protected',
    how: 'Each picture is encrypted on its gateway in memory, and evaluated there under homomorphic encryption (CKKS, 128‑bit security by the 2024 guidelines) with network parameters that are themselves encrypted. The message broker passes on signed envelopes that it cannot open. Only this site’s backend holds the secret keys; it opens each answer once and shows it rounded.',
    model: (degree: string, bits: number, size: string, tells: string) =>
      `ring degree ${degree}, modulus ${bits} bits, bundle ${size}; answers tell ${tells}`,
    tells: {
      counts: 'counts',
      places: 'counts, and where, to a cell of the map',
      countsOnly: 'counts only',
      rounded: (percent: number) => `probabilities in steps of ${percent} %`,
      label: 'labels only',
      event: (equal: number, of: number) => `changes of the label only (${equal} of ${of} equal)`,
    },
  },
  latencyParts: {
    prepare: 'Prepare',
    encrypt: 'Encrypt',
    evaluate: 'Evaluate',
    transport: 'Transport',
    decrypt: 'Decrypt',
    waiting: 'Waiting',
  },
  counted: {
    accepted: { name: 'Accepted', explanation: 'Answers opened, checked and stored.' },
    gaps: { name: 'Missing', explanation: 'Numbers skipped by a gateway: answers that never arrived.' },
    duplicates: {
      name: 'Duplicates',
      explanation: 'Received twice, stored once. Harmless after a lost connection.',
    },
    withheld: {
      name: 'Withheld',
      explanation: 'Unusual pictures: opened, but not to be trusted, so never shown.',
    },
    refused: {
      name: 'Refused',
      explanation: 'Never opened: wrong signature, sender, model or size, or dropped.',
    },
    waiting: { name: 'Waiting', explanation: 'Still on the gateways’ disks, waiting to be sent.' },
    dropped: {
      name: 'Dropped',
      explanation: 'Deleted by a gateway because its outbox was full; oldest first.',
    },
    why: 'Why answers were refused',
    /** Counted by versions that did not keep answers during quarantine. */
    quarantined: 'The gateway was in quarantine.',
  },
  refusals: REFUSALS as Readonly<Record<Refusal, { readonly meaning: string; readonly action: string }>>,
  first: {
    /** Around a command. */
    enrol: ['Enrol one with ', ' and start it near a camera. It appears here by itself.'],
    /** Around a link, and the name of a file. */
    add: [
      'Add a camera to the ',
      'settings',
      ' of a gateway, or to its ',
      '. It appears as soon as the gateway reports it.',
    ],
  },
};
