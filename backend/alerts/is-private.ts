import { BlockList, isIP, isIPv4 } from 'node:net';

/** What IANA's registry of special-purpose addresses does not call globally reachable, and multicast. */
const PRIVATE_4: readonly (readonly [string, number])[] = [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
  ] as const),
  ...([
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 3],
  ] as const),
];
/** Of the addresses of IPv6 that are given out at all, those that lead elsewhere: tunnels that hold an address of IPv4, documentation. */
const PRIVATE_6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const blocks = (family: 'ipv4' | 'ipv6', subnets: readonly (readonly [string, number])[]): BlockList => {
  const list = new BlockList();
  for (const [address, bits] of subnets) list.addSubnet(address, bits, family);
  return list;
};

const PRIVATE = { ipv4: blocks('ipv4', PRIVATE_4), ipv6: blocks('ipv6', PRIVATE_6) };
const GIVEN_OUT = blocks('ipv6', [['2000::', 3]]);
/** An address of IPv4 is in the last 32 bits: mapped, and as a network without IPv4 calls it (NAT64). */
const HOLDS_4 = blocks('ipv6', [
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
]);

/**
 * Whether an address leads to this machine or into a network that is not the internet. What is no address is private.
 *
 * @param address as the resolver gives it, without brackets
 */
export function isPrivate(address: string): boolean {
  if (isIPv4(address)) return PRIVATE.ipv4.check(address, 'ipv4');
  if (isIP(address) !== 6 || address.includes('%')) return true;
  if (HOLDS_4.check(address, 'ipv6')) return PRIVATE.ipv4.check(lastFour(address), 'ipv4');
  return !GIVEN_OUT.check(address, 'ipv6') || PRIVATE.ipv6.check(address, 'ipv6');
}

/** The last 32 bits of an address of IPv6 as one of IPv4. */
function lastFour(address: string): string {
  // In the one way of writing it that URLs have, with no dots.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [before = '', after] = text.split('::');
  const groups = (part: string) =>
    part
      .split(':')
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16));
  const known = after === undefined ? groups(before) : [...Array<number>(8).fill(0), ...groups(after)];
  const [high = 0, low = 0] = known.slice(-2);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
