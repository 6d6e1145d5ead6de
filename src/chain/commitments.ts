import type { ApiPromise } from '@polkadot/api';
import { hexToU8a } from '@polkadot/util';
import { z } from 'zod';
import { Block } from '../events/scalars.ts';
import type { BlockRange, ChainCommitment, Known } from './chain.ts';
import { known, malformed, parseAnswer, unavailable } from './decode.ts';
import { readStorage } from './reads.ts';

/**
 * Every commitment that these hotkeys made in the range and that stood at the end of its block, oldest
 * first. The chain keeps only the last one of each hotkey, with its block, so the walk goes backward:
 * read the entries at `upTo`, then each one again at the block before its own. It makes at most one storage
 * query for each block that holds such a commitment, and one more: however often a hotkey commits, that is
 * bounded by the length of the range. Entries of hotkeys that have no uid any more are given as well.
 * 'unavailable' when the node does not have the state of a block on the way; transport errors are thrown.
 */
export async function readCommitments(
  api: ApiPromise,
  {
    netuid,
    hotkeys,
    range: { after, upTo },
  }: { readonly netuid: number; readonly hotkeys: readonly string[]; readonly range: BlockRange },
): Promise<Known<readonly ChainCommitment[]>> {
  const found: ChainCommitment[] = [];
  const waiting = new Map<number, readonly string[]>([[upTo, [...new Set(hotkeys)]]]);
  // The greatest block first, so that whatever leads to a block is known before that block is read.
  for (let block = upTo; block > after; block = Math.max(after, ...waiting.keys())) {
    const entries = await readEntries(waiting.get(block) ?? [], { netuid, block }, { api });
    if (!entries.known) return entries;
    waiting.delete(block);
    for (const entry of entries.value) {
      if (entry.block > block) {
        return malformed(`${entry.hotkey} committed in block ${entry.block}, says block ${block}`);
      }
      if (entry.block <= after) continue;
      found.push(entry);
      waiting.set(entry.block - 1, [...(waiting.get(entry.block - 1) ?? []), entry.hotkey]);
    }
  }
  return known(found.toSorted((a, b) => a.block - b.block || (a.hotkey < b.hotkey ? -1 : 1)));
}

/** The entries that these hotkeys have at the end of a block; most have none. */
async function readEntries(
  hotkeys: readonly string[],
  { netuid, block }: { readonly netuid: number; readonly block: number },
  { api }: { readonly api: ApiPromise },
): Promise<Known<readonly ChainCommitment[]>> {
  const hash = parseAnswer(BlockHash, await api.rpc.chain.getBlockHash.raw(block), 'block hash');
  if (!hash.known) return hash;
  if (hash.value === null) return unavailable(`the node does not know block ${block}`);
  const items = hotkeys.map((hotkey) => [hotkey, [...COMMITMENT_OF, netuid, hotkey]] as const);
  const stored = await readStorage(
    Object.fromEntries(items),
    { block, blockHash: hash.value.slice(2) },
    { api },
  );
  if (!stored.known) return stored;
  const entries: ChainCommitment[] = [];
  for (const hotkey of hotkeys) {
    const what = `commitment of ${hotkey}`;
    const entry = parseAnswer(Registration.nullable(), stored.value[hotkey], what);
    if (!entry.known) return entry;
    if (entry.value === null) continue;
    entries.push({ hotkey, block: entry.value.block, fields: entry.value.info.fields.map(textOf) });
  }
  return known(entries);
}

const COMMITMENT_OF = ['commitments', 'commitmentOf'] as const;

const BlockHash = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .nullable();

/** A field is an object with one key, the name of its variant: `raw0` … `raw128`, `bigRaw`, `sha256` … */
const Registration = z.object({
  block: Block,
  info: z.object({ fields: z.array(z.record(z.string(), z.unknown())) }),
});

/** What a hotkey wrote, if it is text. The variants for hashes, ciphertexts and flags hold none. */
function textOf(field: Readonly<Record<string, unknown>>): string | null {
  const [variant, bytes] = Object.entries(field)[0] ?? [];
  if (variant === undefined || !TEXT_VARIANT.test(variant) || typeof bytes !== 'string')
    return null;
  const text = Buffer.from(hexToU8a(bytes)).toString('latin1');
  return PRINTABLE_ASCII.test(text) ? text : null;
}

const TEXT_VARIANT = /^(?:raw[0-9]+|bigRaw)$/;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
