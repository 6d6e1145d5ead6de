import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { AXON } from '../events/snapshot.ts';
import { U16, Unsigned } from './decode.ts';

/** What an axon's owner announced; nobody checked it. */
export const AxonInfo = z.object({ ip: Unsigned, port: U16, ipType: z.int() });

/**
 * The base URL of an axon, or null when it serves none: an IPv4 address is the number of its four bytes, an
 * IPv6 address of its sixteen, and 0 as address or port means that nothing is served.
 */
export function axonUrl({ ip, port, ipType }: z.infer<typeof AxonInfo>): string | null {
  if (ip === 0n || port === 0) return null;
  const host = ipType === 4 ? ipv4(ip) : ipType === 6 ? ipv6(ip) : null;
  if (host === null) return null;
  const url = `http://${host}:${port}`;
  return AXON.test(url) ? url : null;
}

/**
 * What the chain keeps for `http://<ip>:<port>`, an IPv6 address in brackets; null for anything else. The
 * inverse of `axonUrl`.
 */
export function axonAddress(
  url: string,
): Readonly<{ ip: bigint; ipType: 4 | 6; port: number }> | null {
  const [, host = '', digits = ''] = /^http:\/\/([^/?#@]+):([1-9][0-9]{0,4})$/.exec(url) ?? [];
  const port = Number(digits);
  const v6 = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : '';
  const ip = isIPv4(host) ? fromIpv4(host) : isIPv6(v6) && !v6.includes('%') ? fromIpv6(v6) : 0n;
  if (ip === 0n || port < 1 || port > MAX_PORT) return null;
  return { ip, ipType: v6 === '' ? 4 : 6, port };
}

const MAX_PORT = 65_535;

function ipv4(ip: bigint): string | null {
  if (ip >= 1n << 32n) return null;
  return [24n, 16n, 8n, 0n].map((shift) => (ip >> shift) & 0xffn).join('.');
}

function fromIpv4(host: string): bigint {
  return host.split('.').reduce((ip, byte) => (ip << 8n) | BigInt(byte), 0n);
}

function ipv6(ip: bigint): string | null {
  if (ip >= 1n << 128n) return null;
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((ip >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  // URL knows the one canonical way to shorten an address.
  return new URL(`http://[${groups.join(':')}]`).hostname;
}

/** The URL parser gives hexadecimal groups only, and shortens one run of zeros to `::`. */
function fromIpv6(host: string): bigint {
  const [head = '', tail = ''] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const left = head.split(':').filter((group) => group !== '');
  const right = tail.split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].reduce(
    (ip, group) => (ip << 16n) | BigInt(`0x${group}`),
    0n,
  );
}
