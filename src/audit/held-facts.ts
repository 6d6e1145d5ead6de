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
      const most = DIGEST_BYTES + 3 * key.length + box.length;
      let page = pages.at(-1);
      if (page === undefined || page.bytes.length - page.used < most) {
        page = { bytes: Buffer.allocUnsafeSlow(Math.max(PAGE_BYTES, most)), used: 0, facts: [] };
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
      for (const page of released) readAll(page, take);
    },
  };
}

type Page = {
  readonly bytes: Buffer;
  used: number;
  /** Of each fact: its index, the place of its type among those that are sealed, where its box begins, and ends. */
  readonly facts: number[];
};

const PAGE_BYTES = 1_048_576;

/** Numbers of each fact. */
const NUMBERS = 4;

const DIGEST_BYTES = 32;

/** Writes digest, key and box; false for a box that is not canonical. */
function write(page: Page, { n, data }: Entry<'fact.sealed.v1'>): boolean {
  const { of, key, digest, box } = data;
  const { bytes, used } = page;
  const keyAt = used + bytes.write(digest, used, 'hex');
  const boxAt = keyAt + bytes.write(key, keyAt);
  const end = boxAt + bytes.write(box, boxAt, 'base64');
  // By its schema it is base64; then only its last letters can say something that its last bytes do not.
  const tail = bytes.toString('base64', Math.max(boxAt, end - ((end - boxAt) % 3 || 3)), end);
  if (!box.endsWith(tail)) return false;
  page.facts.push(n, SEALED_TYPES.indexOf(of), boxAt, end);
  page.used = end;
  return true;
}

function readAll({ bytes, facts }: Page, take: (fact: HeldFact) => void): void {
  let from = 0;
  for (let at = 0; at < facts.length; at += NUMBERS) {
    const [n = 0, type = 0, boxAt = 0, end = 0] = facts.slice(at, at + NUMBERS);
    const keyAt = from + DIGEST_BYTES;
    const digest = bytes.toString('hex', from, keyAt);
    const key = bytes.toString('utf8', keyAt, boxAt);
    take({ n, of: typeAt(type), key, digest, box: bytes.subarray(boxAt, end) });
    from = end;
  }
}

function typeAt(place: number): SealedType {
  const type = SEALED_TYPES[place];
  if (type === undefined) throw new RangeError(`no sealed type ${place}`);
  return type;
}
