import type { HostRate } from './host-rate.ts';

/** One request to an address that a miner chose, by a client that goes to public addresses only and follows nothing. */
export type GetOnce = (
  url: string,
  options: Readonly<{ signal: AbortSignal; maxBytes: number; cut: true }>,
) => Promise<
  | Readonly<{
      kind: 'ok';
      status: number;
      contentType: string | null;
      body: Uint8Array;
      cut?: true;
    }>
  | Readonly<{ kind: 'refused'; reason: string; detail: string; location?: string }>
>;

export type FetchPageDeps = Readonly<{ get: GetOnce; hosts: HostRate }>;

/** What came of fetching a page; whatever the other side does is a value. */
export type FetchedPage =
  | Readonly<{
      kind: 'page';
      finalUrl: string;
      status: number;
      contentType: string;
      body: Uint8Array;
      /** The page is longer than what is taken of it. */
      truncated: boolean;
    }>
  /** A URL on the way leads where no miner may reach, or is none. */
  | Readonly<{ kind: 'blocked'; reason: string }>
  /** The miner asks the host too often. */
  | Readonly<{ kind: 'limited'; host: string }>
  | Readonly<{ kind: 'failed'; reason: string }>;

/** For the whole way, redirects included: as long as the existing service waits. */
const TIMEOUT_MS = 15_000;

const MAX_PAGE_BYTES = 1024 * 1024;

const MAX_REDIRECTS = 5;

/**
 * Fetches a page for a job and follows up to five redirects. Each hop is a request of its own through the same client, so that
 * none leads to this machine, its network or another scheme; each host on the way counts once against the miner's rate.
 */
export async function fetchPage(
  url: string,
  job: string,
  { get, hosts }: FetchPageDeps,
): Promise<FetchedPage> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const counted = new Set<string>();
  let at = url;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const target = URL.parse(at);
    if (target === null) return { kind: 'blocked', reason: 'not an absolute URL' };
    const { hostname } = target;
    if (!counted.has(hostname) && !hosts.admit(job, hostname))
      return { kind: 'limited', host: hostname };
    counted.add(hostname);
    const outcome = await get(target.href, { signal, maxBytes: MAX_PAGE_BYTES, cut: true });
    if (outcome.kind === 'ok') return pageOf(target, outcome);
    if (outcome.location === undefined) return refusalOf(outcome, signal);
    const next = URL.parse(outcome.location, target.href);
    if (next === null) return { kind: 'failed', reason: 'redirected to no URL' };
    at = next.href;
  }
  return { kind: 'failed', reason: `more than ${MAX_REDIRECTS} redirects` };
}

function pageOf(
  target: URL,
  outcome: Extract<Awaited<ReturnType<GetOnce>>, { kind: 'ok' }>,
): FetchedPage {
  const { status, contentType, body, cut = false } = outcome;
  target.hash = '';
  return {
    kind: 'page',
    finalUrl: target.href,
    status,
    contentType: contentType ?? '',
    body,
    truncated: cut,
  };
}

function refusalOf(
  { reason, detail }: Readonly<{ reason: string; detail: string }>,
  signal: AbortSignal,
): FetchedPage {
  if (signal.aborted) return { kind: 'failed', reason: `no page within ${TIMEOUT_MS} ms` };
  const blocked = reason === 'address-forbidden' || reason === 'address-invalid';
  return blocked
    ? { kind: 'blocked', reason: detail }
    : { kind: 'failed', reason: `${reason}: ${detail}` };
}
