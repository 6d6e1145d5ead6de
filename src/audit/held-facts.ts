import { SEALED_TYPES, type SealedType } from '../events/sealed.ts';
import type { Entry } from './run-record.ts';

/** A sealed fact at its place; its box is decoded, and whoever gets it does not keep it. */
type HeldFact = Readonly<{
  n: number;
  of: SealedType;
  key: string;
  digest: string;
  box: Uint8Array;
}>;

/** The sealed facts of a run that wait for its key, in the order of the log. */
export type HeldFacts = Readonly<{
  /** False for a box that is not canonical base64, which no key opens: it is not held. */
  add: (entry: Entry<'fact.sealed.v1'>) => boolean;
  count: () => number;
  /** The index of the first; null where there is none. */
  first: () => number | null;
  /** Gives all of them, one after the other, and holds none any more. */
  release: (take: (fact: HeldFact) => void) => void;
}>;

/**
 * Holds facts outside of the heap of objects, many to a page: a run has facts by the hundred thousand, and an object
 * for each, or the text that it was read from, would fill the memory and be looked at again and again.
 */
export function holdFacts(): HeldFacts {
  let pages: Page[] = [];
  let first: number | null = null;
  let count = 0;
  return {
    add: (entry) => {
      const { key, box } = entry.data;
      // A unit of UTF-16 has at most three bytes in UTF-8, and one of base64 less than one.
      const most = HEADER_BYTES + DIGEST_LENGTH + 3 * key.length + box.length;
      let page = pages.at(-1);
      if (page === undefined || page.bytes.length - page.used < most) {
        page = { bytes: Buffer.allocUnsafeSlow(Math.max(PAGE_BYTES, most)), used: 0 };
        pages.push(page);
      }
      if (!write(page, entry)) return false;
      first ??= entry.n;
      count += 1;
      return true;
    },
    count: () => count,
    first: () => first,
    release: (take) => {
      const released = pages;
      pages = [];
      first = null;
      count = 0;
      for (const page of released) for (let at = 0; at < page.used; ) at = read(page, at, take);
    },
  };
}

type Page = { readonly bytes: Buffer; used: number };

const PAGE_BYTES = 1_048_576;

/**
 * Before each fact: its index, the place of its type among those that are sealed, the length of its texts, which are
 * digest and key, and that of its box.
 */
const HEADER_BYTES = 20;
const TYPE_AT = 8;
const TEXT_LENGTH_AT = 12;
const BOX_LENGTH_AT = 16;

/** Hex digits of a digest. */
const DIGEST_LENGTH = 64;

function write(page: Page, { n, data }: Entry<'fact.sealed.v1'>): boolean {
  const { of, key, digest, box } = data;
  const { bytes, used } = page;
  const textAt = used + HEADER_BYTES;
  const boxAt = textAt + bytes.write(digest + key, textAt);
  const end = boxAt + bytes.write(box, boxAt, 'base64');
  // A lenient decoder takes several texts for the same bytes.
  if (bytes.toString('base64', boxAt, end) !== box) return false;
  bytes.writeDoubleLE(n, used);
  bytes.writeUInt32LE(SEALED_TYPES.indexOf(of), used + TYPE_AT);
  bytes.writeUInt32LE(boxAt - textAt, used + TEXT_LENGTH_AT);
  bytes.writeUInt32LE(end - boxAt, used + BOX_LENGTH_AT);
  page.used = end;
  return true;
}

/** Gives the fact that stands there, and where the next one does. */
function read({ bytes }: Page, at: number, take: (fact: HeldFact) => void): number {
  const textAt = at + HEADER_BYTES;
  const boxAt = textAt + bytes.readUInt32LE(at + TEXT_LENGTH_AT);
  const end = boxAt + bytes.readUInt32LE(at + BOX_LENGTH_AT);
  const text = bytes.toString('utf8', textAt, boxAt);
  take({
    n: bytes.readDoubleLE(at),
    of: typeAt(bytes.readUInt32LE(at + TYPE_AT)),
    key: text.slice(DIGEST_LENGTH),
    digest: text.slice(0, DIGEST_LENGTH),
    box: bytes.subarray(boxAt, end),
  });
  return end;
}

function typeAt(place: number): SealedType {
  const type = SEALED_TYPES[place];
  if (type === undefined) throw new RangeError(`no sealed type ${place}`);
  return type;
}
