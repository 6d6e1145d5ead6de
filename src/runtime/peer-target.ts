import { isIP } from 'node:net';

import { canonicalAddress, classifyAddress } from './address.ts';
import { quote, type Refused, refused } from './peer-outcome.ts';

/** Where a URL leads, before any name was resolved. */
export type Target = {
  readonly kind: 'target';
  readonly secure: boolean;
  readonly hostname: string; // an IP address without brackets, or a DNS name
  readonly port: number;
  readonly host: string; // for the Host header
  readonly path: string; // path and query
  readonly key: string; // names the peer in the concurrency gate
};

/** Every address of a name, as `dns.lookup` with `all` gives them. */
export type Lookup = (hostname: string) => Promise<readonly { readonly address: string }[]>;

const URL_LENGTH_MAX = 2_048; // characters: an axon and a path need under 200
const ADDRESSES_MAX = 64; // of one name: the largest honest round-robin is far smaller

/** The target of an attacker-chosen URL, read once by the WHATWG parser so that no second reading can differ. */
export function parseTarget(url: string): Target | Refused {
  if (url.length > URL_LENGTH_MAX)
    return refused(
      'address-invalid',
      `the URL has ${url.length} characters, at most ${URL_LENGTH_MAX} are accepted`,
    );
  const parsed = URL.parse(url);
  if (parsed === null) return refused('address-invalid', `${quote(url)} is not an absolute URL`);
  const secure = parsed.protocol === 'https:';
  if (!secure && parsed.protocol !== 'http:')
    return refused(
      'address-invalid',
      `the scheme ${quote(parsed.protocol)} is neither http: nor https:`,
    );
  if (parsed.username !== '' || parsed.password !== '')
    return refused('address-invalid', 'the URL carries credentials');
  const port = parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port);
  if (port === 0) return refused('address-invalid', 'port 0 cannot be connected to');
  const service = DENIED_PORTS.get(port);
  if (service !== undefined)
    return refused('address-forbidden', `port ${port} belongs to ${service}, not to HTTP`);
  const hostname = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    kind: 'target',
    secure,
    hostname,
    port,
    host: parsed.host,
    path: `${parsed.pathname}${parsed.search}`,
    key: `${hostname}:${port}`,
  };
}

/**
 * The addresses to connect to, in canonical spelling and the resolver's order. One forbidden address refuses the
 * whole name: a name that mixes public and internal addresses is an attack or a mistake, never a peer.
 */
export async function resolveTarget(
  { hostname }: Target,
  { lookup, allowLoopback }: { lookup: Lookup; allowLoopback: boolean },
): Promise<{ readonly kind: 'addresses'; readonly addresses: readonly string[] } | Refused> {
  const found = isIP(hostname) === 0 ? await resolveName(hostname, lookup) : [hostname];
  if (!Array.isArray(found)) return found;
  const addresses: string[] = [];
  for (const address of found) {
    const addressClass = classifyAddress(address);
    const canonical = canonicalAddress(address);
    const permitted = addressClass === 'public' || (allowLoopback && addressClass === 'loopback');
    if (canonical === null || !permitted) {
      return refused(
        'address-forbidden',
        `${quote(hostname)} leads to ${quote(address)}, which is ${addressClass}`,
      );
    }
    addresses.push(canonical);
  }
  return { kind: 'addresses', addresses };
}

async function resolveName(hostname: string, lookup: Lookup): Promise<string[] | Refused> {
  let found: Awaited<ReturnType<Lookup>>;
  try {
    found = await lookup(hostname);
  } catch (cause) {
    return refused('unreachable', `${quote(hostname)} does not resolve: ${describeCause(cause)}`);
  }
  if (found.length > ADDRESSES_MAX) {
    const detail = `${quote(hostname)} has ${found.length} addresses, at most ${ADDRESSES_MAX} are accepted`;
    return refused('address-forbidden', detail);
  }
  return found.map(({ address }) => address);
}

/** A system or parser error's code, or failing that its message, for a detail. */
export function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return quote(String(cause));
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : quote(cause.message);
}

/**
 * Well-known services that are not HTTP and act on text lines or trust their network: an axon that names one of them
 * would make this client deliver a request line to somebody else's service, or to our own behind a public address.
 * The Fetch standard's list of bad ports has the same purpose; this one adds what runs beside a validator.
 */
const DENIED_PORTS: ReadonlyMap<number, string> = new Map([
  [21, 'FTP'],
  [22, 'SSH'],
  [23, 'Telnet'],
  [25, 'SMTP'],
  [53, 'DNS'],
  [110, 'POP3'],
  [111, 'portmap'],
  [119, 'NNTP'],
  [135, 'RPC'],
  [139, 'NetBIOS'],
  [143, 'IMAP'],
  [389, 'LDAP'],
  [445, 'SMB'],
  [465, 'SMTP'],
  [514, 'syslog'],
  [587, 'SMTP'],
  [636, 'LDAP'],
  [993, 'IMAP'],
  [995, 'POP3'],
  [2049, 'NFS'],
  [2375, 'Docker'],
  [2376, 'Docker'],
  [2379, 'etcd'],
  [2380, 'etcd'],
  [3306, 'MySQL'],
  [3389, 'RDP'],
  [4222, 'NATS'],
  [5432, 'PostgreSQL'],
  [5672, 'AMQP'],
  [6222, 'NATS'],
  [6379, 'Redis'],
  [6443, 'Kubernetes'],
  [6667, 'IRC'],
  [7422, 'NATS'],
  [8222, 'NATS'],
  [10250, 'kubelet'],
  [11211, 'memcached'],
  [27017, 'MongoDB'],
]);
