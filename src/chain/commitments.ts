import type { ApiPromise } from '@polkadot/api/cjs/index';
import { hexToU8a } from '@polkadot/util/cjs/index';
import { z } from 'zod';
import { Block } from '../events/scalars.ts';
import type { BlockRange, ChainCommitment, Known } from './chain.ts';
import { parseAnswer } from './decode.ts';
import { known, malformed, unavailable } from './known.ts';
import { type At, readStorage } from './reads.ts';
import { readStorageApi } from './state-api.ts';

/**
 * Every commitment that these hotkeys made in the range and that stood at the end of its block, oldest
 * first. The chain keeps only the last one of each hotkey, so the walk goes backward: ask for the block of
 * the last one at `upTo`, read it at the end of that very block, then ask again at the block before. Later the
 * slot may say less than was committed: the runtime takes out of it each field under a time lock once that
 * opens, and forgets a commitment that had no other, so what it says depends on when it is asked. It makes at
 * most two storage queries for each block that holds such a commitment, and one more: however often a hotkey
 * commits, that is bounded by the length of the range. Hotkeys that have no uid any more count as well.
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
  /** Whose slots, and whose last commitment's block, are to be read at the end of a block. */
  const slots = new Map<number, readonly string[]>();
  const lasts = new Map<number, readonly string[]>([[upTo, [...new Set(hotkeys)]]]);
  const add = (to: typeof slots, block: number, hotkey: string): void => {
    to.set(block, [...(to.get(block) ?? []), hotkey]);
  };
  // The greatest block first, so that whatever leads to a block is known before that block is read.
  for (let block = upTo; block > after; block = Math.max(after, ...slots.keys(), ...lasts.keys())) {
    const wanted = { slots: slots.get(block) ?? [], lasts: lasts.get(block) ?? [] };
    const read = await readBlock(wanted, { netuid, block }, { api });
    if (!read.known) return read;
    slots.delete(block);
    lasts.delete(block);
    for (const commitment of read.value.commitments) {
      found.push(commitment);
      add(lasts, block - 1, commitment.hotkey);
    }
    for (const { hotkey, last } of read.value.lasts) if (last > after) add(slots, last, hotkey);
  }
  return known(found.toSorted((a, b) => a.block - b.block || (a.hotkey < b.hotkey ? -1 : 1)));
}

/**
 * What stands in the slots of these hotkeys in the state of a block, by hotkey; who has none is left out. The
 * runtime may have taken fields under a time lock out of it. Transport errors are thrown.
 */
export async function readLatestCommitments(
  api: ApiPromise,
  { netuid, hotkeys, ...at }: At & { readonly netuid: number; readonly hotkeys: readonly string[] },
): Promise<Known<readonly ChainCommitment[]>> {
  const state = await readStorageApi(at, { api });
  if (!state.known) return state;
  const all = [...new Set(hotkeys)].toSorted();
  const slots = all.map((hotkey) => [hotkey, [...COMMITMENT_OF, netuid, hotkey]] as const);
  const stored = await readStorage(Object.fromEntries(slots), at, { api: state.value });
  if (!stored.known) return stored;
  const found: ChainCommitment[] = [];
  for (const hotkey of all) {
    const what = `commitment of ${hotkey}`;
    const slot = parseAnswer(Registration.nullable(), stored.value[hotkey], what);
    if (!slot.known) return slot;
    if (slot.value !== null) found.push(commitmentOf(hotkey, slot.value));
  }
  return known(found);
}

type Wanted = Readonly<{ slots: readonly string[]; lasts: readonly string[] }>;

type Read = Readonly<{
  commitments: readonly ChainCommitment[];
  /** Who committed so far has a last commitment; most have none. */
  lasts: readonly Readonly<{ hotkey: string; last: number }>[];
}>;

/** What these hotkeys committed to in a block, and the block of those hotkeys' last commitment by its end. */
async function readBlock(
  wanted: Wanted,
  { netuid, block }: { readonly netuid: number; readonly block: number },
  { api }: { readonly api: ApiPromise },
): Promise<Known<Read>> {
  const hash = parseAnswer(BlockHash, await api.rpc.chain.getBlockHash.raw(block), 'block hash');
  if (!hash.known) return hash;
  if (hash.value === null) return unavailable(`the node does not know block ${block}`);
  const items = [
    ...wanted.slots.map(
      (hotkey) => [`slot ${hotkey}`, [...COMMITMENT_OF, netuid, hotkey]] as const,
    ),
    ...wanted.lasts.map((hotkey) => [`last ${hotkey}`, [...LAST_OF, netuid, hotkey]] as const),
  ];
  const at = { block, blockHash: hash.value.slice(2) };
  // Of the range's blocks each may be of another runtime than the one before it.
  const state = await readStorageApi(at, { api });
  if (!state.known) return state;
  const stored = await readStorage(Object.fromEntries(items), at, { api: state.value });
  if (!stored.known) return stored;
  const commitments: ChainCommitment[] = [];
  for (const hotkey of wanted.slots) {
    const what = `commitment of ${hotkey}`;
    const slot = parseAnswer(Registration, stored.value[`slot ${hotkey}`], what);
    if (!slot.known) return slot;
    if (slot.value.block !== block) {
      return malformed(`${what} is of block ${slot.value.block}, its last was in block ${block}`);
    }
    commitments.push(commitmentOf(hotkey, slot.value));
  }
  const lasts: Read['lasts'][number][] = [];
  for (const hotkey of wanted.lasts) {
    const last = parseAnswer(
      Block.nullable(),
      stored.value[`last ${hotkey}`],
      `block of the last commitment of ${hotkey}`,
    );
    if (!last.known) return last;
    if (last.value === null) continue;
    if (last.value > block) {
      return malformed(`${hotkey} committed in block ${last.value}, says block ${block}`);
    }
    lasts.push({ hotkey, last: last.value });
  }
  return known({ commitments, lasts });
}

const COMMITMENT_OF = ['commitments', 'commitmentOf'] as const;

/** Unlike the slot, it stays when what was committed is revealed and taken out. */
const LAST_OF = ['commitments', 'lastCommitment'] as const;

const BlockHash = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .nullable();

/** A field is an object with one key, the name of its variant: `raw0` … `raw128`, `bigRaw`, `sha256` … */
const Registration = z.object({
  block: Block,
  info: z.object({ fields: z.array(z.record(z.string(), z.unknown())) }),
});
type Registered = z.infer<typeof Registration>;

function commitmentOf(hotkey: string, { block, info }: Registered): ChainCommitment {
  return { hotkey, block, fields: info.fields.map(textOf) };
}

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
