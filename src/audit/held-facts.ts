import type { InRun } from '../events/define-event.ts';
import { SEALED_TYPES } from '../events/sealed.ts';
import type { Data, Entry } from './run-record.ts';

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
 * Holds facts outside of the heap of objects: a run has 65,536 of them, and each text that an event was read into
 * would stay in memory for as long as any part of it is held.
 */
export function holdFacts({ family, run }: InRun): HeldFacts {
  let held: Held[] = [];
  return {
    add: ({ n, data: { of, key, digest, box } }) => {
      // Our own text of the type: the event's is a part of all that was read.
      const type = SEALED_TYPES.find((each) => each === of) ?? of;
      held.push({ n, of: type, text: Buffer.from(`${digest}${box}\0${key}`) });
    },
    count: () => held.length,
    first: () => held[0]?.n ?? null,
    take: function* () {
      const facts = held;
      held = [];
      for (const { n, of, text } of facts) {
        const whole = text.toString();
        // Neither digest nor box has a zero in it; a key may have anything.
        const end = whole.indexOf('\0');
        const [digest, box] = [whole.slice(0, DIGEST_LENGTH), whole.slice(DIGEST_LENGTH, end)];
        yield { n, data: { family, run, of, key: whole.slice(end + 1), digest, box } };
      }
    },
  };
}

type Held = Readonly<{ n: number; of: Data<'fact.sealed.v1'>['of']; text: Buffer }>;

/** Hex digits of a digest. */
const DIGEST_LENGTH = 64;
