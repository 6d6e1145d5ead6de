import { Resolver } from 'node:dns/promises';
import type { Lookup } from './peer-target.ts';

/** One server is waited for so long in milliseconds, and so often: together less than a connection may take. */
const TIMES = { timeout: 1_500, tries: 2, maxTimeout: 3_000 };

/** A name of this machine, whatever any server says of it (RFC 6761). */
const LOCAL = /^(?:[^.]+\.)*localhost\.?$/i;

/**
 * Every address of a name that somebody else chose, asked of the name servers themselves; those of the system unless
 * others are given. The system's own resolver has a thread or two for all names of the process: one name whose server
 * does not answer holds up all others. Throws what was answered where there is no address.
 */
export function nameResolver(servers?: readonly string[]): Lookup {
  const resolver = new Resolver(TIMES);
  if (servers !== undefined) resolver.setServers(servers);
  return async (hostname) => {
    if (LOCAL.test(hostname)) return [{ address: '127.0.0.1' }];
    const [four, six] = await Promise.allSettled([
      resolver.resolve4(hostname),
      resolver.resolve6(hostname),
    ]);
    const addresses = [four, six].flatMap((each) =>
      each.status === 'fulfilled' ? each.value : [],
    );
    if (addresses.length === 0 && four.status === 'rejected') throw four.reason;
    return addresses.map((address) => ({ address }));
  };
}
