import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Asked } from '../people/gatekeeper.ts';

export const SESSION_COOKIE = 'blindsight';
export const BROWSER_COOKIE = 'blindsight-browser';

/** Addresses of `api.proxy.addresses`. */
export function addressList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function has(list: BlockList, address: string): boolean {
  return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** IPv4 in the form of IPv6, as sockets that listen to both report it. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** One header; two of the same name are joined, as Node does. */
function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

export type Client = {
  /** As far as it can be trusted: what the proxy says, or the other end of the connection. */
  readonly address: string;
  /** Whether the browser speaks TLS, with the proxy. */
  readonly isSecure: boolean;
  readonly asked: Asked;
};

/** Who is at the other end of a request, and what they brought. @param proxies whose word is taken */
export function clientOf(request: FastifyRequest, proxies: BlockList): Client {
  const peer = plain(request.socket.remoteAddress ?? '');
  const isFromProxy = has(proxies, peer);
  const header = (name: string) => headerOf(request, name);
  const authorization = request.headers.authorization;
  return {
    address: isFromProxy ? forwardedFor(header('x-forwarded-for'), proxies, peer) : peer,
    isSecure: isFromProxy && header('x-forwarded-proto')?.split(',').at(-1)?.trim() === 'https',
    asked: {
      isFromProxy,
      bearer: /^Bearer /i.test(authorization ?? '') ? (authorization ?? '').slice(7).trim() : null,
      cookie: cookieOf(request, SESSION_COOKIE),
      header,
    },
  };
}

/** The last address that no proxy of ours wrote itself: what stands before it anybody may have made up. */
function forwardedFor(value: string | undefined, proxies: BlockList, peer: string): string {
  const addresses = (value ?? '').split(',').map((one) => plain(one.trim()));
  const last = addresses.findLast((address) => !has(proxies, address));
  return last !== undefined && isIP(last) !== 0 ? last : peer;
}

/** A cookie of the request; of two with the same name, the first. */
export function cookieOf(request: FastifyRequest, name: string): string | null {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const pair = pairs.find((candidate) => candidate.startsWith(`${name}=`));
  return pair === undefined ? null : pair.slice(name.length + 1);
}
