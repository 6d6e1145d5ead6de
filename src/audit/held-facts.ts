import type { InRun } from '../events/define-event.ts';
import { SEALED_TYPES, type SealedType } from '../events/sealed.ts';
import type { Entry } from './run-record.ts';

/** The sealed facts of a run that wait for its key, in the order of the log. */
export type HeldFacts = Readonly<{
  add: (entry: Entry<'fact.sealed.v1'>) => void;
  count: () => number;
  /** The index of the first; null where there is none. */
  first: () => number | null;
  /** Gives all of them, and holds none any more. */
  take: () => Generator<Entry<'fact.sealed.v1'>, void>;
}>;

/**
 * Holds facts outside of the heap of objects, many to a page: a run has facts by the hundred thousand, and an object
 * for each, or the text that it was read from, would fill the memory and be looked at again and again.
 */
export function holdFacts({ family, run }: InRun): HeldFacts {
  let pages: Page[] = [];
  let first: number | null = null;
  let count = 0;
  return {
    add: (entry) => {
      const { data, n } = entry;
      // A unit of UTF-16 has at most three bytes in UTF-8.
      const most = HEADER_BYTES + 3 * (DIGEST_LENGTH + data.box.length + 1 + data.key.length);
      let page = pages.at(-1);
      if (page === undefined || page.bytes.length - page.used < most) {
        page = { bytes: Buffer.allocUnsafeSlow(Math.max(PAGE_BYTES, most)), used: 0 };
        pages.push(page);
      }
      write(page, entry);
      first ??= n;
      count += 1;
    },
    count: () => count,
    first: () => first,
    take: function* () {
      const taken = pages;
      pages = [];
      first = null;
      count = 0;
      for (const page of taken) yield* factsIn(page, { family, run });
    },
  };
}

type Page = { readonly bytes: Buffer; used: number };

const PAGE_BYTES = 1_048_576;

/** Before each fact: its index, the place of its type among those that are sealed, and the length of its text. */
const HEADER_BYTES = 16;
const TYPE_AT = 8;
const LENGTH_AT = 12;

/** Hex digits of a digest. */
const DIGEST_LENGTH = 64;

function write(page: Page, { n, data: { of, key, digest, box } }: Entry<'fact.sealed.v1'>): void {
  const { bytes, used } = page;
  // Neither digest nor box has a zero in it; a key may have anything.
  const length = bytes.write(`${digest}${box}\0${key}`, used + HEADER_BYTES);
  bytes.writeDoubleLE(n, used);
  bytes.writeUInt32LE(SEALED_TYPES.indexOf(of), used + TYPE_AT);
  bytes.writeUInt32LE(length, used + LENGTH_AT);
  page.used += HEADER_BYTES + length;
}

function* factsIn(
  { bytes, used }: Page,
  { family, run }: InRun,
): Generator<Entry<'fact.sealed.v1'>, void> {
  for (let at = 0; at < used; ) {
    const n = bytes.readDoubleLE(at);
    const of = typeAt(bytes.readUInt32LE(at + TYPE_AT));
    const from = at + HEADER_BYTES;
    at = from + bytes.readUInt32LE(at + LENGTH_AT);
    const text = bytes.toString('utf8', from, at);
    const end = text.indexOf('\0');
    const [digest, box] = [text.slice(0, DIGEST_LENGTH), text.slice(DIGEST_LENGTH, end)];
    yield { n, data: { family, run, of, key: text.slice(end + 1), digest, box } };
  }
}

function typeAt(place: number): SealedType {
  const type = SEALED_TYPES[place];
  if (type === undefined) throw new RangeError(`no sealed type ${place}`);
  return type;
}
