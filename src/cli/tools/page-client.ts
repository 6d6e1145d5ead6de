import type { Config } from '../../config.ts';
import type { FetchPageDeps } from '../../handlers/tools/fetch-page.ts';
import { createHostRate } from '../../handlers/tools/host-rate.ts';
import { createPeerClient } from '../../runtime/peer-client.ts';
import { nameResolver } from '../../runtime/resolve-name.ts';

/** Pages are larger, slower and served with more header fields than what validators publish. */
const PAGE_LIMITS = {
  bodyBytes: 1024 * 1024,
  headerBytes: 64 * 1024,
  connectTimeoutMs: 8_000,
  headersTimeoutMs: 14_000,
  totalTimeoutMs: 15_000,
  rateBytesPerPeriod: 1024,
  // Each miner has a few calls at once of its own: none waits for those of another.
  perPeerConcurrency: 256,
  totalConcurrency: 1_024,
};

/** The hardened client as tools use it: it goes to public addresses, unless this is a development machine. */
export function openPageClient(config: Config): FetchPageDeps & AsyncDisposable {
  const client = createPeerClient({
    allowLoopback: config.EIREL_FETCH_ADDRESSES === 'loopback',
    limits: PAGE_LIMITS,
    lookup: nameResolver(),
  });
  return {
    get: client.get,
    hosts: createHostRate(() => performance.now()),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
