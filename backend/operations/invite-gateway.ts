import { randomBytes } from 'node:crypto';
import type { BackendConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import {
  type EnrolmentAddress,
  encodeInvitation,
  invitationDigest,
  MAX_ADDRESSES,
} from '#protocol/invitation.ts';
import { GatewayName } from '#protocol/names.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { canonical, isLoopback } from '../enrolment/broker-certificate.ts';
import { enrolmentHosts } from '../enrolment/enrolment-hosts.ts';
import { openAuthority } from '../enrolment/open-authority.ts';
import type { Site } from '../site.ts';

export type InviteOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly config: Pick<BackendConfig, 'data' | 'brokerFolder' | 'broker' | 'enrolment'>;
  readonly gateway: string;
  /** For a gateway that is enrolled, whose place another box takes. */
  readonly replaces?: boolean;
  /** How long it may be used. */
  readonly hours?: number;
  /** Where the gateway reaches the enrolment: host or host:port; the names of the broker where left out. */
  readonly address?: string;
  readonly clock?: Clock;
};

export type MadeInvitation = {
  /** A secret: whoever has it first becomes this gateway. */
  readonly token: string;
  readonly gateway: string;
  readonly expires: string;
  readonly addresses: readonly EnrolmentAddress[];
};

export const INVITATION_HOURS = 24;

/**
 * Makes an invitation, in place of an unused one for the same gateway. Nothing else changes before somebody uses it.
 *
 * @throws BlindsightError NAME_INVALID, GATEWAY_EXISTS or, to replace one, GATEWAY_NOT_FOUND, ENROLMENT_OFF, ENROLMENT_ADDRESS
 */
export async function inviteGateway(options: InviteOptions): Promise<MadeInvitation> {
  const { site, config, gateway, replaces = false, hours = INVITATION_HOURS, clock = systemClock } = options;
  if (!GatewayName.safeParse(gateway).success) {
    throw new BlindsightError('NAME_INVALID', `"${gateway}" cannot be the name of a gateway`);
  }
  await checkExistence(options, replaces);
  if (config.enrolment === undefined) {
    throw new BlindsightError('ENROLMENT_OFF', 'backend.yaml has no `enrolment`');
  }
  const addresses = await chooseAddresses(config, config.enrolment.port, options.address);
  const authority = await openAuthority(site.store, site.vault);
  const secret = randomBytes(32);
  const nowMs = clock.now();
  const expiresMs = nowMs + hours * 3_600_000;
  const token = encodeInvitation({
    site: site.name,
    gateway,
    fingerprint: await authority.fingerprint(),
    addresses,
    secret: Uint8Array.from(secret),
  });
  const digest = invitationDigest(secret);
  secret.fill(0);
  await site.store.transaction(async (store) => {
    await store.invitations.add(digest, { gateway, replaces, createdMs: nowMs, expiresMs });
    await store.journal.add({
      timeMs: nowMs,
      level: 'info',
      code: 'GATEWAY_INVITED',
      subject: gateway,
      message: `an invitation for gateway ${gateway} was made${replaces ? ': another box is to take its place' : ''}`,
    });
  });
  return { token, gateway, expires: new Date(expiresMs).toISOString(), addresses };
}

async function checkExistence({ site, gateway }: InviteOptions, replaces: boolean): Promise<void> {
  const exists = (await site.store.gateways.get(gateway)) !== null;
  if (exists === replaces) {
    if (exists || !(await site.store.gateways.removed()).some(({ name }) => name === gateway)) return;
    throw new BlindsightError(
      'GATEWAY_EXISTS',
      `a gateway ${gateway} was removed, and its name is not used again`,
    );
  }
  throw exists
    ? new BlindsightError('GATEWAY_EXISTS', `a gateway ${gateway} is already enrolled`)
    : new BlindsightError('GATEWAY_NOT_FOUND', `no gateway ${gateway} is enrolled`);
}

async function chooseAddresses(
  config: InviteOptions['config'],
  port: number,
  given: string | undefined,
): Promise<EnrolmentAddress[]> {
  const hosts = await enrolmentHosts(config);
  if (given === undefined) {
    const elsewhere = hosts.filter((host) => !isLoopback(host));
    return (elsewhere.length > 0 ? elsewhere : ['localhost'])
      .slice(0, MAX_ADDRESSES)
      .map((host) => ({ host, port }));
  }
  const address = parseAddress(given, port);
  if (hosts.includes(address.host) || isLoopback(address.host)) return [address];
  throw new BlindsightError(
    'ENROLMENT_ADDRESS',
    `the site is known as ${hosts.join(', ')}, not as ${address.host}: no gateway would believe it there`,
  );
}

/** host, host:port or [IPv6]:port. */
function parseAddress(text: string, port: number): EnrolmentAddress {
  const url = `tcp://${text.includes('::') && !text.startsWith('[') ? `[${text}]` : text}`;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || parsed.hostname === '' || !/^[^/?#@]+$/.test(text)) {
    throw new BlindsightError('ENROLMENT_ADDRESS', `"${text}" is not an address; expected host or host:port`);
  }
  return { host: canonical(parsed.hostname.replace(/^\[|\]$/g, '')), port: Number(parsed.port || port) };
}
