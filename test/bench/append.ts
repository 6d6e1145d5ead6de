import { EMPTY } from '#src/events/decode.ts';
import { type Draft, seal } from '#src/events/envelope.ts';
import { subjectOf } from '#src/events/subjects.ts';
import type { LogStore, Message } from '#src/runtime/log-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { appendAll, type Broker, startBroker } from './broker.ts';
import { compare, perSecond, type Rounds } from './measure.ts';
import { type Benchmark, comparedRow, type Row, type Target } from './row.ts';
import { draftsOf, inBatches, SOURCE, scoreEvents } from './workload.ts';

/** Durable appends against publishing ready-made bytes of equal size over the same client, batch for batch. */
export const append: Benchmark = {
  name: 'append',
  summary: 'durable appends, as a share of publishing ready-made bytes',
  measure: async (quick) => {
    const rounds = quick ? QUICK : FULL;
    await using broker = await startBroker(PLANS.length * 2 * (rounds.warmUps + rounds.rounds));
    const rows: Row[] = [];
    for (const plan of PLANS) {
      const events = quick ? plan.batch * 3 : plan.events;
      rows.push(await appendRow(broker, { ...plan, events }, rounds));
    }
    return rows;
  },
};

/** `depth` appends are in flight at a time: with 1, each is awaited before the next is made. */
type Plan = Readonly<{ batch: number; events: number; depth: number; targets: readonly Target[] }>;

const atLeast = (bound: number): readonly Target[] => [{ of: 'ratio', is: 'at least', bound }];

const PLANS: readonly Plan[] = [
  { batch: 1_000, events: 10_000, depth: 1, targets: atLeast(0.6) },
  { batch: 1_000, events: 10_000, depth: 2, targets: atLeast(0.6) },
  { batch: 100, events: 3_000, depth: 1, targets: [] },
  { batch: 1, events: 500, depth: 1, targets: atLeast(0.9) },
];
/** Short rounds, and many: what slows the machine for a second then spoils a few of them only. */
const FULL: Rounds = { warmUps: 4, rounds: 31 };
const QUICK: Rounds = { warmUps: 0, rounds: 2 };

async function appendRow(
  broker: Broker,
  { batch, depth, targets, events }: Plan,
  rounds: Rounds,
): Promise<Row> {
  const drafts = draftsOf(scoreEvents(events));
  const draftBatches = inBatches(drafts, batch);
  const messageBatches = inBatches(sealAll(drafts), batch);
  const compared = await compare(
    {
      subject: async () => {
        const log = await openLog(await broker.freshStore());
        return perSecond(events, () => appendAll(log, draftBatches, depth));
      },
      reference: async () => {
        const store = await broker.freshStore();
        return perSecond(events, () => publishAll(store, messageBatches));
      },
    },
    rounds,
  );
  const inFlight = depth === 1 ? '' : `, ${depth} in flight`;
  return comparedRow(
    {
      name: `append-${batch}${depth === 1 ? '' : `-in-flight-${depth}`}`,
      what:
        batch === 1
          ? 'append, one by one'
          : `append, batches of ${batch.toLocaleString('en-US')}${inFlight}`,
      unit: 'events/s',
      against: 'ready-made bytes',
    },
    compared,
    targets,
  );
}

/** The log's own way: a batch goes out when the one before it is acknowledged. */
async function publishAll(
  store: LogStore,
  batches: readonly (readonly Message[])[],
): Promise<void> {
  let size = 0;
  for (const messages of batches) {
    const { kind } = await store.publish(messages, size);
    if (kind !== 'stored') throw new Error(`a publish gave ${kind}`);
    size += messages.length;
  }
}

/** The bytes that the log would store. */
function sealAll(drafts: readonly Draft[]): readonly Message[] {
  let head = EMPTY;
  return drafts.map((draft) => {
    const sealed = seal(draft, SOURCE, head);
    head = sealed.head;
    return { subject: subjectOf('validator', draft.event), payload: sealed.payload };
  });
}
