import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { BlindsightError } from '#protocol/errors.ts';
import { redactText } from '#protocol/redact.ts';
import { commonName, findInvalidity, parseCertificates, type TlsFiles } from './certificate-check.ts';
import { readPeerCertificate } from './peer-certificate.ts';

/** A failed attempt to connect. */
export type LinkFault = {
  /** The last error of the socket or MQTT.js; null if the other side just closed the connection. */
  readonly error: (Error & { readonly code?: unknown }) | null;
  /** How far it got: `dialing` has no TCP connection yet, `open` no TLS, `secure` no answer from a broker. */
  readonly stage: 'dialing' | 'open' | 'secure';
};

export type LinkContext = {
  readonly url: string;
  /** PEM texts and the files they were read from, if any. */
  readonly ca?: string | Buffer | undefined;
  readonly certificate?: string | Buffer | undefined;
  readonly files?: TlsFiles | undefined;
  readonly nowMs: number;
  readonly signal: AbortSignal;
};

type Facts = LinkContext & {
  readonly text: string;
  readonly host: string;
  /** Common name of our certificate, and where it is. */
  readonly name: string;
  readonly certificateFile: string;
  readonly caFile: string;
  readonly fault: LinkFault;
};

type Rule = {
  readonly stage?: LinkFault['stage'];
  readonly pattern: RegExp;
  readonly refused?: boolean;
  readonly say: (facts: Facts) => string | Promise<string>;
};

const USUAL_PORT = 'The broker speaks TLS, on port 8883 by default';

/** Most certain first: the first match wins. The pattern is matched against code and message, in lower case with single spaces. */
const RULES: readonly Rule[] = [
  // What a name server, a router or the other machine's kernel says.
  {
    pattern: /\beconnrefused\b/,
    say: ({ url }) =>
      `nothing listens at ${url} (ECONNREFUSED): is the broker running, and is this its port?`,
  },
  {
    pattern: /\b(enotfound|eai again)\b/,
    say: ({ url, host }) =>
      `${url}: the name ${host} cannot be resolved; is it right, and is there a name server?`,
  },
  {
    pattern: /\b(ehostunreach|enetunreach|ehostdown|enetdown)\b/,
    say: ({ url }) => `${url}: no route to this address; is the network up?`,
  },
  {
    stage: 'dialing',
    pattern: /\beconnreset\b/,
    say: ({ url }) =>
      `${url} accepts no connection (ECONNRESET): is the broker running, and is this its port?`,
  },
  {
    stage: 'dialing',
    pattern: /\betimedout\b|timeout/,
    say: ({ url }) => `${url} does not answer: is the machine on, or does a firewall block this port?`,
  },
  // We reject the certificate of the other side.
  {
    pattern: /err tls cert altname invalid/,
    refused: true,
    say: async (facts) => {
      const { url, host, fault } = facts;
      const seen = (fault.error as { cert?: { subjectaltname?: string } }).cert?.subjectaltname;
      const names = seen ?? (await peerOf(facts))?.subjectAltName ?? 'no name';
      return (
        `the certificate of the broker at ${url} covers ${names.replace(/(DNS|IP Address):/g, '')}, not ${host}: use one of these in ` +
        `broker.url, or add ${host} to the site with \`blindsight site broker-host ${host}\``
      );
    },
  },
  {
    pattern: /cert has expired|cert not yet valid/,
    refused: true,
    say: async (facts) => {
      const authority = parseCertificates(facts.ca ?? '')[0];
      const old = authority && findInvalidity(authority, facts.nowMs);
      if (old) return `the authority in ${facts.caFile} ${old}`;
      const peer = await peerOf(facts);
      const why = (peer && findInvalidity(peer, facts.nowMs)) ?? facts.fault.error?.message;
      return `the certificate of the broker at ${facts.url} ${why}`;
    },
  },
  {
    pattern: /self signed|unable to (verify|get)|cert signature failure|cert untrusted|depth zero|invalid ca/,
    refused: true,
    say: async (facts) => {
      const peer = await peerOf(facts);
      const authority = parseCertificates(facts.ca ?? '')[0];
      const issuer = peer === null ? 'another authority' : `"${commonName(peer.issuer)}"`;
      const ours = authority ? commonName(authority.subject) : 'none';
      return (
        `what answers at ${facts.url} has a certificate from ${issuer}, not from the authority in ${facts.caFile}, "${ours}": ` +
        'the broker of another site, another service, or the ca.pem of another site'
      );
    },
  },
  // The other side rejects our certificate.
  { stage: 'secure', pattern: /alert certificate revoked/, refused: true, say: withdrawn },
  {
    pattern:
      /alert (certificate expired|bad certificate|certificate unknown|unsupported certificate|access denied)/,
    refused: true,
    say: (facts) => `the broker at ${facts.url} rejects ${certificateOf(facts)} ("${alertOf(facts)}")`,
  },
  {
    pattern: /alert unknown ca/,
    refused: true,
    say: (facts) =>
      `the broker at ${facts.url} does not trust the authority that issued ${certificateOf(facts)}: is it the broker of another site?`,
  },
  {
    pattern: /alert certificate required/,
    refused: true,
    say: ({ url }) => `the broker at ${url} requires a client certificate, and got none`,
  },
  {
    pattern: /alert (handshake failure|protocol version|insufficient security)|unsupported protocol/,
    refused: true,
    say: (facts) => `${facts.url} and this program have no TLS version in common ("${alertOf(facts)}")`,
  },
  // MQTT says why.
  { pattern: /^(4|5) connection refused/, refused: true, say: withdrawn },
  {
    pattern: /^(1|2|3) connection refused/,
    refused: true,
    say: ({ url, name, fault }) => `the broker at ${url} refuses ${name}: ${fault.error?.message}`,
  },
  // Something else listens there.
  {
    stage: 'open',
    pattern: /timeout/,
    say: ({ url }) => `${url} accepts the connection but says nothing: another service? ${USUAL_PORT}`,
  },
  {
    stage: 'open',
    pattern: /eproto|err ssl|econnreset|epipe|^closed$|disconnected before secure/,
    say: ({ url }) =>
      `what listens at ${url} does not speak TLS: another service, or unencrypted MQTT? ${USUAL_PORT}`,
  },
  {
    stage: 'secure',
    pattern: /econnreset|epipe|^closed$/,
    refused: true,
    say: (facts) =>
      `the broker at ${facts.url} closed the connection without a reason: it rejects ${certificateOf(facts)}, or it is not an ` +
      'MQTT broker; its log says why',
  },
  {
    stage: 'secure',
    pattern: /^(?!err |\d)/,
    say: ({ url, fault }) =>
      `what answers at ${url} is not an MQTT broker (${fault.error?.message}). ${USUAL_PORT}`,
  },
];

/**
 * Explains a failed attempt: what, where, and what to do. A rejected certificate is examined again for what is wrong with it.
 *
 * @returns LINK_REFUSED if one side rejects the other, else LINK_DOWN; never the password of an address
 */
export async function explainFault(fault: LinkFault, context: LinkContext): Promise<BlindsightError> {
  const { error } = fault;
  const text = error === null ? 'closed' : plain(`${error.code ?? ''} ${error.message} ${nested(error)}`);
  const own = parseCertificates(context.certificate ?? '')[0];
  const facts: Facts = {
    ...context,
    fault,
    text,
    host: new URL(context.url).hostname.replace(/^\[|\]$/g, ''),
    name: own ? commonName(own.subject) : 'this client',
    certificateFile: context.files?.certificate ?? 'the certificate',
    caFile: context.files?.ca ?? 'the file of the authority',
  };
  // Nothing of the network: our own key is out of reach.
  if (error instanceof BlindsightError) return error;
  const rule = RULES.find(
    ({ stage, pattern }) => (stage ?? fault.stage) === fault.stage && pattern.test(text),
  );
  const said = rule ? await rule.say(facts) : `${context.url}: ${error?.message || text}`;
  return new BlindsightError(rule?.refused ? 'LINK_REFUSED' : 'LINK_DOWN', redactText(said), {
    cause: error,
  });
}

/** Our certificate, and what is wrong with it as far as this machine can tell. */
function certificateOf(facts: Facts): string {
  const own = parseCertificates(facts.certificate ?? '')[0];
  const why = own && findInvalidity(own, facts.nowMs);
  return `the certificate of ${facts.name}, ${facts.certificateFile}${why ? `, which ${why}` : ''}`;
}

function withdrawn(facts: Facts): string {
  const own = parseCertificates(facts.certificate ?? '')[0];
  const why = own && findInvalidity(own, facts.nowMs);
  if (why) return `the broker at ${facts.url} refuses ${certificateOf(facts)}`;
  return (
    `the broker at ${facts.url} refuses ${facts.name}: it was removed (\`blindsight gateway remove\`), or the broker serves another site; ` +
    'its log says which'
  );
}

function peerOf({ url, host, signal }: Facts): Promise<X509Certificate | null> {
  return readPeerCertificate(host, Number(new URL(url).port || 8883), signal);
}

function alertOf({ text }: Facts): string {
  return /alert ([a-z ]{1,60}?)(?=\d| dep|$| ?\.\.| ssl)/.exec(text)?.[1]?.trim() ?? text;
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[_\s-]+/g, ' ')
    .trim();
}

/** A connection to a host with several addresses fails with all their errors, without a text of its own. */
function nested(error: Error): string {
  return error instanceof AggregateError ? error.errors.map((each: Error) => each.message).join('; ') : '';
}

/** The host of an address as sockets take it: without the brackets of IPv6; null for a name that needs no change. */
export function bareAddress(url: string): string | null {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 6 ? host : null;
}
