import { EMPTY, readEvent } from '#src/events/decode.ts';
import { seal } from '#src/events/envelope.ts';
import { compare, perSecond, type Rounds } from './measure.ts';
import { type Benchmark, comparedRow } from './row.ts';
import { draftsOf, SOURCE, scoreEvents } from './workload.ts';

/** Reading and sealing events in memory, against bare JSON. */
export const events: Benchmark = {
  name: 'events',
  summary: 'events read and sealed, as a share of bare JSON',
  measure: async (quick) => {
    const count = quick ? 200 : 10_000;
    const rounds: Rounds = quick ? { warmUps: 0, rounds: 2 } : { warmUps: 5, rounds: 21 };
    const drafts = draftsOf(scoreEvents(count));
    const sealAll = () => {
      let head = EMPTY;
      return drafts.map((draft) => {
        const sealed = seal(draft, SOURCE, head);
        head = sealed.head;
        return sealed.payload;
      });
    };
    const payloads = sealAll();
    const readAll = () => {
      let head = EMPTY;
      for (const payload of payloads) {
        const { n, hash } = readEvent(payload, SOURCE, head);
        head = { size: n + 1, hash };
      }
    };
    const values = payloads.map(parse);
    const rate = (work: () => unknown) => () => perSecond(count, work);
    return [
      comparedRow(
        { name: 'read', what: 'readEvent', unit: 'events/s', against: 'JSON.parse' },
        await compare(
          { subject: rate(readAll), reference: rate(() => payloads.map(parse)) },
          rounds,
        ),
      ),
      comparedRow(
        { name: 'seal', what: 'seal', unit: 'events/s', against: 'JSON.stringify' },
        await compare(
          { subject: rate(sealAll), reference: rate(() => values.map(format)) },
          rounds,
        ),
      ),
    ];
  },
};

function parse(payload: Uint8Array): unknown {
  return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString());
}

function format(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
