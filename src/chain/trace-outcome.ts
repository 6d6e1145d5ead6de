import type { Vec } from '@polkadot/types/cjs/index';
import type { DispatchError, EventRecord } from '@polkadot/types/cjs/interfaces/index';
import type { Registry } from '@polkadot/types/cjs/types/index';
import type { ChainError, Known } from './chain.ts';
import { chainError } from './chain-error.ts';
import type { Link } from './connection-link.ts';
import { known, malformed, unavailable } from './known.ts';
import type { At } from './reads.ts';

/**
 * What an extrinsic in a block came to, by the events of that block and the metadata of the runtime that
 * ran it: `error` is null when its call succeeded. A node that has discarded the block's state will never
 * tell: then the error is `OutcomeUndetermined`. Transport errors are thrown.
 */
export async function readOutcome(
  { block, blockHash, index }: At & { readonly index: number },
  { link }: { readonly link: Link },
): Promise<Known<Readonly<{ error: ChainError | null }>>> {
  let records: Vec<EventRecord>;
  let registry: Registry;
  try {
    const at = await link.api.at(`0x${blockHash}`);
    const events = await at.query['system']?.['events']?.();
    if (events === undefined) return malformed('the metadata describes no System.Events');
    // safe: every Substrate runtime has this item, a vector of event records.
    records = events as unknown as Vec<EventRecord>;
    ({ registry } = at);
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    if (UNKNOWN_BLOCK.test(message)) return unavailable(`block ${block}: ${message}`);
    if (!STATE_DISCARDED.test(message)) throw error;
    const detail = `the extrinsic is in block ${block}, whose state the node has discarded`;
    return known({ error: chainError('OutcomeUndetermined', detail) });
  }
  for (const { phase, event } of records) {
    if (!phase.isApplyExtrinsic || !phase.asApplyExtrinsic.eq(index)) continue;
    if (event.section !== 'system') continue;
    if (event.method === 'ExtrinsicSuccess') return known({ error: null });
    if (event.method !== 'ExtrinsicFailed') continue;
    // safe: the first field of this event is the dispatch error.
    const failure = event.data[0] as unknown as DispatchError;
    return known({ error: dispatchError(failure, { block, registry }) });
  }
  return malformed(`block ${block} has no event that ends its extrinsic ${index}`);
}

/** How Substrate says that a block's state is gone for good. */
const STATE_DISCARDED = /state already discarded/i;

/** How the library says that the node has no such block: it is behind the node that had it. */
const UNKNOWN_BLOCK = /unable to retrieve header/i;

/** The error by the pallet's own name; its number means something else in another runtime. */
function dispatchError(
  error: DispatchError,
  { block, registry }: Readonly<{ block: number; registry: Registry }>,
): ChainError {
  if (!error.isModule)
    return chainError(error.type, `dispatch failed in block ${block}: ${error.toString()}`);
  const { section, name, docs } = registry.findMetaError(error.asModule);
  return chainError(name, `${section}.${name} in block ${block}: ${docs.join(' ')}`);
}
