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

function ipv4(ip: bigint): string | null {
  if (ip >= 1n << 32n) return null;
  return [24n, 16n, 8n, 0n].map((shift) => (ip >> shift) & 0xffn).join('.');
}

function ipv6(ip: bigint): string | null {
  if (ip >= 1n << 128n) return null;
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((ip >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  // URL knows the one canonical way to shorten an address.
  return new URL(`http://[${groups.join(':')}]`).hostname;
}
