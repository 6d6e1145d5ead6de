import { HASH_BYTES, hexOf } from './tree.ts';

/** A node of the chain's state trie, as its parent refers to it. */
export type StateNode = Readonly<{
  /** The part of the keys below it that it stands for: nibbles, one hex digit each. */
  partial: string;
  value: StoredValue | null;
  /** By nibble: a hash, or the node itself where that is shorter than a hash. Empty for a leaf. */
  children: readonly (Uint8Array | null)[];
}>;

/** A value in its node, or from version 1 of the state on the hash of a long one. */
export type StoredValue = Readonly<{ kind: 'inline' | 'hashed'; bytes: Uint8Array }>;

/**
 * A node of Substrate's base-16 Patricia trie from its bytes (`sp_trie::NodeCodec`): leaves and branches, with and
 * without a value, of state versions 0 and 1. Null for bytes that are no node: cut off, followed by more, or of a
 * kind that is reserved. Never throws.
 */
export function decodeStateNode(bytes: Uint8Array): StateNode | null {
  const input = readerOf(bytes);
  const first = input.byte();
  if (first === EMPTY_TRIE) return bytes.length === 1 ? EMPTY_NODE : null;
  const kind = KINDS.find(({ mask, prefix }) => (first & mask) === prefix);
  if (kind === undefined) return null;
  const partial = readPartial(readCount(first & ~kind.mask, ~kind.mask & 0xff, input), input);
  const present = kind.branch ? input.byte() | (input.byte() << 8) : 0;
  const value = readValue(kind.value, input);
  const children = kind.branch ? readChildren(present, input) : [];
  return input.isWhole() && partial !== null ? { partial, value, children } : null;
}

/** The header of a trie without entries, which is nothing else. */
const EMPTY_TRIE = 0;
const EMPTY_NODE: StateNode = { partial: '', value: null, children: [] };

/** The highest bits of the header tell what a node is; the others begin the count of its nibbles. */
const KINDS = [
  { mask: 0b1100_0000, prefix: 0b0100_0000, branch: false, value: 'inline' },
  { mask: 0b1100_0000, prefix: 0b1000_0000, branch: true, value: null },
  { mask: 0b1100_0000, prefix: 0b1100_0000, branch: true, value: 'inline' },
  { mask: 0b1110_0000, prefix: 0b0010_0000, branch: false, value: 'hashed' },
  { mask: 0b1111_0000, prefix: 0b0001_0000, branch: true, value: 'hashed' },
] as const;

/** A count that fills its bits goes on in further bytes, of which each but the last is 255. */
function readCount(count: number, most: number, input: Reader): number {
  if (count < most) return count;
  let total = count;
  for (let next = input.byte(); ; next = input.byte()) {
    total += next;
    if (next < 0xff) return total;
  }
}

/** Nibbles are packed in pairs; an odd one is first, behind four zero bits. */
function readPartial(count: number, input: Reader): string | null {
  const digits = hexOf(input.take(Math.ceil(count / 2)));
  if (count % 2 === 0) return digits;
  return digits.startsWith('0') ? digits.slice(1) : null;
}

function readValue(kind: StoredValue['kind'] | null, input: Reader): StoredValue | null {
  if (kind === null) return null;
  return { kind, bytes: input.take(kind === 'hashed' ? HASH_BYTES : input.compact()) };
}

/** A bit for each nibble tells which children there are. */
function readChildren(present: number, input: Reader): readonly (Uint8Array | null)[] {
  return Array.from({ length: 16 }, (_, nibble) => {
    if ((present & (1 << nibble)) === 0) return null;
    const reference = input.take(input.compact());
    if (reference.length === 0 || reference.length > HASH_BYTES) input.refuse();
    return reference;
  });
}

type Reader = Readonly<{
  /** As many bytes, or none where there are not so many. */
  take: (count: number) => Uint8Array;
  byte: () => number;
  /** SCALE's compact integer of at most four bytes, in its one shortest form. */
  compact: () => number;
  refuse: () => void;
  /** Whether everything that was asked for was there, and nothing else is. */
  isWhole: () => boolean;
}>;

/** Reads on whatever is missing, so that it is asked once, in the end, whether all was there. */
function readerOf(bytes: Uint8Array): Reader {
  let at = 0;
  let sound = true;
  const refuse = (): void => {
    sound = false;
  };
  const take = (count: number): Uint8Array => {
    if (count > bytes.length - at) {
      refuse();
      return NOTHING;
    }
    at += count;
    return bytes.subarray(at - count, at);
  };
  const byte = (): number => take(1)[0] ?? 0;
  return {
    take,
    byte,
    compact: () => {
      const first = byte();
      const width = COMPACT_WIDTHS[first & 3];
      if (width === undefined) {
        refuse();
        return 0;
      }
      const value = take(width - 1).reduce(
        (sum, next, index) => sum + next * 256 ** (index + 1),
        first,
      );
      // What fits into fewer bytes has to be written in fewer.
      if (width > 1 && value >>> 2 < 2 ** (4 * width - 2)) refuse();
      return value >>> 2;
    },
    refuse,
    isWhole: () => sound && at === bytes.length,
  };
}

const NOTHING = new Uint8Array(0);

/** Bytes by the lowest two bits; the fourth mode is for integers that no node here can have. */
const COMPACT_WIDTHS: readonly (number | undefined)[] = [1, 2, 4];
