import { isIPv4, isIPv6 } from 'node:net';

export type AddressClass =
  | 'public'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'multicast'
  | 'unspecified'
  | 'documentation'
  | 'carrier-nat'
  | 'cloud-internal' // public by number, but answered by the host of a virtual machine
  | 'transition' // an IPv4 address wrapped in IPv6 by a mechanism that would carry the packet elsewhere
  | 'scoped' // carries a zone id, so it names an interface of this machine
  | 'reserved'
  | 'invalid'; // not an IP address

/**
 * The class of a numeric IPv4 or IPv6 address, by the IANA special-purpose registries (RFC 6890 and its updates).
 * An IPv4-mapped address has the class of the IPv4 address that the system would connect to.
 */
export function classifyAddress(text: string): AddressClass {
  if (text.includes('%')) return 'scoped';
  const address = parseAddress(text);
  if (address === null) return 'invalid';
  return address.version === 4 ? classifyIpv4(address.bits) : classifyIpv6(address.bits);
}

/**
 * One spelling per address, for comparing and connecting: dotted IPv4 (also for an IPv4-mapped address), or eight
 * IPv6 groups in lower-case hexadecimal; null when the text is not an IP address or carries a zone id.
 */
export function canonicalAddress(text: string): string | null {
  const address = parseAddress(text);
  if (address === null) return null;
  return address.version === 4
    ? split(address.bits, 4, 8n).join('.')
    : split(address.bits, 8, 16n)
        .map((group) => group.toString(16))
        .join(':');
}

type Address = { readonly version: 4 | 6; readonly bits: bigint };
type Row = readonly [prefix: string, length: number, addressClass: AddressClass];
type Block = {
  readonly prefix: bigint;
  readonly shift: bigint;
  readonly addressClass: AddressClass;
};

// In each table the first match decides.
const IPV4_BLOCKS = blocks(32, ipv4Bits, [
  ['0.0.0.0', 32, 'unspecified'], // reaches loopback on Linux
  ['0.0.0.0', 8, 'reserved'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'carrier-nat'],
  ['127.0.0.0', 8, 'loopback'],
  ['168.63.129.16', 32, 'cloud-internal'], // Azure's platform endpoint
  ['169.254.0.0', 16, 'link-local'], // instance metadata of most clouds
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'documentation'],
  ['192.88.99.0', 24, 'transition'], // 6to4 relays, withdrawn by RFC 7526
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'reserved'], // benchmarking
  ['198.51.100.0', 24, 'documentation'],
  ['203.0.113.0', 24, 'documentation'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'], // with the limited broadcast address
  ['0.0.0.0', 0, 'public'],
]);

// Only 2000::/3 has ever been allocated for global unicast, so the rest is reserved.
const IPV6_BLOCKS = blocks(128, ipv6Bits, [
  ['::', 128, 'unspecified'],
  ['::1', 128, 'loopback'],
  ['::', 96, 'transition'], // IPv4-compatible
  ['::ffff:0:0:0', 96, 'transition'], // IPv4-translated (SIIT)
  ['64:ff9b:1::', 48, 'transition'], // NAT64 for local use
  ['fc00::', 7, 'private'],
  ['fe80::', 10, 'link-local'],
  ['fec0::', 10, 'private'], // site-local, deprecated
  ['ff00::', 8, 'multicast'],
  ['2001::', 32, 'transition'], // Teredo
  ['2001::', 23, 'reserved'], // protocol assignments
  ['2001:db8::', 32, 'documentation'],
  ['3fff::', 20, 'documentation'],
  ['2002::', 16, 'transition'], // 6to4
  ['2000::', 3, 'public'],
  ['::', 0, 'reserved'],
]);

const NAT64 = ipv6Bits('64:ff9b::') >> 32n; // the well-known prefix, /96 (RFC 6052)
const IPV4_MAPPED = 0xffffn; // ::ffff:0:0/96

function parseAddress(text: string): Address | null {
  if (isIPv4(text)) return { version: 4, bits: ipv4Bits(text) };
  if (!isIPv6(text) || text.includes('%')) return null;
  const bits = ipv6Bits(text);
  return bits >> 32n === IPV4_MAPPED ? { version: 4, bits: low32(bits) } : { version: 6, bits };
}

function classifyIpv4(bits: bigint): AddressClass {
  return firstMatch(IPV4_BLOCKS, bits);
}

function classifyIpv6(bits: bigint): AddressClass {
  if (bits >> 32n !== NAT64) return firstMatch(IPV6_BLOCKS, bits);
  // On a network with DNS64 every IPv4 host looks like this, so a public host behind the prefix stays reachable.
  return classifyIpv4(low32(bits)) === 'public' ? 'public' : 'transition';
}

function blocks(width: number, parse: (prefix: string) => bigint, rows: readonly Row[]): Block[] {
  return rows.map(([prefix, length, addressClass]) => {
    const shift = BigInt(width - length);
    return { prefix: parse(prefix) >> shift, shift, addressClass };
  });
}

function firstMatch(table: readonly Block[], bits: bigint): AddressClass {
  return table.find(({ prefix, shift }) => bits >> shift === prefix)?.addressClass ?? 'reserved';
}

/** The lowest `count` parts of `width` bits each, the highest of them first. */
function split(bits: bigint, count: number, width: bigint): bigint[] {
  return Array.from({ length: count }, (_, i) =>
    BigInt.asUintN(Number(width), bits >> (BigInt(count - 1 - i) * width)),
  );
}

function low32(bits: bigint): bigint {
  return bits & 0xffff_ffffn;
}

/** The 32 bits of a dotted address that `isIPv4` accepted. */
function ipv4Bits(dotted: string): bigint {
  return dotted.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

/** The 128 bits of an address that `isIPv6` accepted, without a zone id. */
function ipv6Bits(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const front = ipv6Groups(head);
  const back = ipv6Groups(tail ?? '');
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => 0n);
  return [...front, ...zeros, ...back].reduce((bits, group) => (bits << 16n) | group, 0n);
}

function ipv6Groups(text: string): bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const embedded = ipv4Bits(group);
    return [embedded >> 16n, embedded & 0xffffn];
  });
}
