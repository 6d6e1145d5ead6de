import { z } from 'zod';
import { readNonce } from './account-nonce.ts';
import { readBody } from './block-body.ts';
import type { ChainError, Extrinsic, Known, Trace } from './chain.ts';
import type { Link } from './connection-link.ts';
import { parseAnswer } from './decode.ts';
import { readBest, readFinalized, readHash } from './finalized.ts';
import { known, unavailable } from './known.ts';
import type { At } from './reads.ts';
import { readOutcome } from './trace-outcome.ts';

/**
 * Finds out what became of extrinsics of one hotkey, by the blocks alone. It remembers which finalised
 * blocks it has looked into, so that each one's body is asked for once. Transport errors are thrown.
 */
export function createTracer(
  hotkey: string | null,
): (extrinsic: Extrinsic, deps: { readonly link: Link }) => Promise<Known<Trace>> {
  const searches = new Map<string, Search>();
  return (extrinsic, { link }) => {
    const search = searches.get(extrinsic.hash) ?? newSearch(extrinsic);
    // Removed and added again, so that the one that was asked for longest ago is the first.
    searches.delete(extrinsic.hash);
    searches.set(extrinsic.hash, search);
    for (const hash of searches.keys()) {
      if (searches.size <= MAX_SEARCHES) break;
      searches.delete(hash);
    }
    return trace(extrinsic, search, { link, hotkey });
  };
}

/** One extrinsic is alive at a time; some more are asked for again by those who look back. */
const MAX_SEARCHES = 16;

type Found = At & Readonly<{ index: number }>;

type Search = {
  /** Every finalised block up to this one was looked into. */
  searchedTo: number;
  /** Blocks that do not hold it, by hash: what is final now was perhaps looked into before. */
  readonly absentFrom: Set<string>;
  /** The runtime after the first finalised block from the birth on that was asked for; a later one voids the signature. */
  spec: number | null;
  /** The finalised block that holds it, with its place in it. */
  found: Found | null;
  outcome: Readonly<{ error: ChainError | null }> | null;
};

function newSearch({ birth }: Extrinsic): Search {
  return { searchedTo: birth, absentFrom: new Set(), spec: null, found: null, outcome: null };
}

type Deps = Readonly<{ link: Link; hotkey: string | null }>;

async function trace(extrinsic: Extrinsic, search: Search, deps: Deps): Promise<Known<Trace>> {
  if (search.found !== null) return final(search, search.found, deps);
  const head = await readFinalized(deps);
  if (!head.known) return head;
  const { block } = head.value;
  const last = Math.min(block, extrinsic.death);
  while (search.searchedTo < last) {
    const number = search.searchedTo + 1;
    const looked = await lookInto(number, extrinsic, search, deps);
    if (!looked.known) return looked;
    if (looked.value === null) return unavailable(`the node does not know block ${number}`);
    search.searchedTo = number;
    if (looked.value.index === ABSENT) continue;
    search.found = looked.value;
    return final(search, looked.value, deps);
  }
  if (block >= extrinsic.death) return known({ kind: 'dead', block, reason: 'expired' });
  // Without a hotkey nothing can be said of nonces.
  const nonce = deps.hotkey === null ? known(0) : await readNonce(deps.hotkey, head.value, deps);
  if (!nonce.known) return nonce;
  if (nonce.value > extrinsic.nonce) return known({ kind: 'dead', block, reason: 'nonce-taken' });
  const upgraded = await wasUpgraded(extrinsic, search, head.value, deps);
  if (!upgraded.known) return upgraded;
  if (upgraded.value) return known({ kind: 'dead', block, reason: 'runtime-upgraded' });
  return searchBest(extrinsic, search, head.value, deps);
}

/** Whether the block after a finalised one is run by a newer runtime than was seen since the birth. */
async function wasUpgraded(
  { birth }: Extrinsic,
  search: Search,
  { block, blockHash }: At,
  { link }: Deps,
): Promise<Known<boolean>> {
  // A node that is behind may still have an older runtime than the signature is for.
  if (block < birth) return known(false);
  const answer = await link.call('state_getRuntimeVersion', [`0x${blockHash}`]);
  const version = parseAnswer(RuntimeVersion, answer, `runtime version at block ${block}`);
  if (!version.known) return version;
  const { specVersion } = version.value;
  search.spec ??= specVersion;
  return known(specVersion > search.spec);
}

const RuntimeVersion = z.object({ specVersion: z.int().min(0) });

/** The blocks that are not final yet: what they say may be taken back. */
async function searchBest(
  extrinsic: Extrinsic,
  search: Search,
  { block }: At,
  deps: Deps,
): Promise<Known<Trace>> {
  const best = await readBest(deps);
  if (!best.known) return best;
  const last = Math.min(best.value, extrinsic.death);
  for (let number = Math.max(block, extrinsic.birth) + 1; number <= last; number += 1) {
    const looked = await lookInto(number, extrinsic, search, deps);
    if (!looked.known) return looked;
    // The best chain became shorter meanwhile.
    if (looked.value === null) break;
    const { index, blockHash } = looked.value;
    if (index !== ABSENT) return known({ kind: 'included', block: number, blockHash });
  }
  return known({ kind: 'pending', block });
}

const ABSENT = -1;

/** The place of the extrinsic in a block of the best chain; null where that has no such block. */
async function lookInto(
  number: number,
  { bytes }: Extrinsic,
  { absentFrom }: Search,
  { link }: Deps,
): Promise<Known<Found | null>> {
  const hash = await readHash(number, { link });
  if (!hash.known || hash.value === null) return hash.known ? known(null) : hash;
  const at = { block: number, blockHash: hash.value };
  if (absentFrom.has(at.blockHash)) return known({ ...at, index: ABSENT });
  const body = await readBody(at, { link });
  if (!body.known) return body;
  const index = body.value.indexOf(`0x${bytes}`);
  if (index === ABSENT) absentFrom.add(at.blockHash);
  return known({ ...at, index });
}

async function final(search: Search, found: Found, { link }: Deps): Promise<Known<Trace>> {
  if (search.outcome === null) {
    const outcome = await readOutcome(found, { link });
    if (!outcome.known) return outcome;
    search.outcome = outcome.value;
  }
  const { block, blockHash } = found;
  return known({ kind: 'final', block, blockHash, error: search.outcome.error });
}
