import { isIPv4, isIPv6 } from 'node:net';

/** Where an axon answers, as the chain keeps it. */
export type AxonAddress = Readonly<{ ip: bigint; ipType: 4 | 6; port: number }>;

/**
 * The address of `http://<ip>:<port>`, an IPv6 address in brackets; null for anything else. The inverse
 * of `axonUrl`: an address is the number of its bytes, the first byte the most significant.
 */
export function axonAddress(url: string): AxonAddress | null {
  const [, host = '', digits = ''] = /^http:\/\/([^/?#@]+):([1-9][0-9]{0,4})$/.exec(url) ?? [];
  const port = Number(digits);
  if (port < 1 || port > MAX_PORT) return null;
  const v6 = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : '';
  if (isIPv4(host)) return notZero({ ip: fromIpv4(host), ipType: 4, port });
  if (isIPv6(v6) && !v6.includes('%')) return notZero({ ip: fromIpv6(v6), ipType: 6, port });
  return null;
}

const MAX_PORT = 65_535;

/** The chain takes 0 for an axon that serves nothing. */
function notZero(address: AxonAddress): AxonAddress | null {
  return address.ip === 0n ? null : address;
}

function fromIpv4(host: string): bigint {
  return host.split('.').reduce((ip, byte) => (ip << 8n) | BigInt(byte), 0n);
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
