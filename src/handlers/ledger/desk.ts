import { AppError } from '../../errors.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import type { Queries } from '../../projectors/projector.ts';
import { type Batches, type BatchesDeps, createBatches, type Unshown } from './batches.ts';
import { addFact, type Facts } from './facts.ts';
import { lookUp } from './look-up.ts';
import { type Ruled, ruleOnRequest } from './rule-on-request.ts';
import type { Wish } from './rule-on-wish.ts';

/** What may wait for its turn: four seconds of the load that the ledger is made for. */
export const MAX_WAITING_WISHES = 20_000;

/** As much of an ordinary size, and some more. */
export const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** Wishes that the projection is asked about at once: a question takes a millisecond, and the way to it another. */
const MAX_GROUP_WISHES = 400;

/** Wishes that are ruled on in one turn: three milliseconds in which nobody else is answered. The log groups appends itself. */
const MAX_TURN_WISHES = 100;

export type DeskDeps = BatchesDeps &
  Readonly<{
    queries: Queries;
    /** Resolves when others had their turn: between two, whoever reads is answered. */
    turn: () => Promise<void>;
    now: () => string;
  }>;

export type Desk = Readonly<{
  /**
   * Rules on wishes in the order in which they come, and records what is new; resolves when all of it is stored.
   * Throws `log.full` where too much waits, `log.conflict` and `log.unavailable` when the log takes nothing any more.
   */
  submit: (wishes: readonly Wish[]) => Promise<Ruled>;
  /** What was acknowledged and the projection may not show yet. */
  unshown: () => Unshown;
  /** How many wishes wait to be ruled on. */
  waiting: () => number;
}>;

/** The one place where it is decided what goes into the ledger: nothing is decided beside what is under way. */
export function createDesk(deps: DeskDeps): Desk {
  const state: State = { queue: [], wishes: 0, bytes: 0, batches: createBatches(deps) };
  let idle = true;
  const work = async (): Promise<void> => {
    idle = false;
    while (state.queue.length > 0) await recordNext(state, deps);
    idle = true;
  };
  return {
    submit: async (wishes) => {
      const bytes = wishes.reduce((sum, wish) => sum + bytesOf(wish), 0);
      if (state.wishes + wishes.length > MAX_WAITING_WISHES) throw full(state);
      // An empty queue takes any request: otherwise the largest one could never be made.
      if (state.queue.length > 0 && state.bytes + bytes > MAX_WAITING_BYTES) throw full(state);
      const settle = Promise.withResolvers<Ruled>();
      state.queue.push({ wishes, bytes, settle });
      state.wishes += wishes.length;
      state.bytes += bytes;
      if (idle) void work();
      return settle.promise;
    },
    unshown: state.batches.unshown,
    waiting: () => state.wishes,
  };
}

type State = {
  readonly queue: Request[];
  /** Of what is in the queue. */
  wishes: number;
  bytes: number;
  readonly batches: Batches;
};

type Request = Readonly<{
  wishes: readonly Wish[];
  bytes: number;
  settle: PromiseWithResolvers<Ruled>;
}>;

/** Takes what waits, up to one group, and hands it to the log. Never rejects: whoever waits hears of a fault. */
async function recordNext(state: State, deps: DeskDeps): Promise<void> {
  const { batches } = state;
  try {
    await batches.makeRoom();
  } catch (error) {
    for (const { settle } of takeGroup(state, Number.POSITIVE_INFINITY)) settle.reject(error);
    return;
  }
  // Whoever sent something meanwhile is looked up along with the others.
  await deps.turn();
  const group = takeGroup(state, MAX_GROUP_WISHES);
  try {
    // What was forgotten is found in the projection, everything else in the batches that stay.
    const before = await lookUp(
      group.flatMap(({ wishes }) => wishes),
      deps.queries,
    );
    for (let rest = group; rest.length > 0; ) {
      await deps.turn();
      const count = countUpTo(rest, MAX_TURN_WISHES);
      record(rest.slice(0, count), before, batches, deps.now());
      rest = rest.slice(count);
    }
  } catch (error) {
    for (const { settle } of group) settle.reject(error);
  }
}

/** Requests from the queue's beginning, as many as `limit` wishes, and at least one. */
function takeGroup(state: State, limit: number): readonly Request[] {
  const group = state.queue.splice(0, countUpTo(state.queue, limit));
  for (const { wishes, bytes } of group) {
    state.wishes -= wishes.length;
    state.bytes -= bytes;
  }
  return group;
}

/** How many whole requests have no more wishes than `limit`; one is always taken. */
function countUpTo(requests: readonly Request[], limit: number): number {
  let total = 0;
  const beyond = requests.findIndex(({ wishes }, index) => {
    total += wishes.length;
    return index > 0 && total > limit;
  });
  return beyond < 0 ? requests.length : beyond;
}

/** Rules on each request in its order, and appends what is new of all of them as one batch. */
function record(requests: readonly Request[], before: Facts, batches: Batches, time: string): void {
  const earlier = [...batches.facts(), before];
  const events: DomainEvent[] = [];
  const facts: Facts = new Map();
  const answers: (readonly [Request, Ruled])[] = [];
  for (const request of requests) {
    const ruled = ruleOnRequest(request.wishes, [facts, ...earlier], time);
    for (const event of ruled.events) addFact(facts, event, time);
    events.push(...ruled.events);
    answers.push([request, ruled.answer]);
  }
  const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
  // A refusal and a repetition rest on what may be under way still: they are as late as that.
  const done =
    events.length === 0 ? batches.settled() : batches.add({ events, facts, bytes }, time);
  done.then(
    () => {
      for (const [{ settle }, answer] of answers) settle.resolve(answer);
    },
    (error: unknown) => {
      for (const [{ settle }] of answers) settle.reject(error);
    },
  );
}

/** What a wish takes of memory, roughly: what it says, and the names that nearly all of them have. */
function bytesOf(wish: Wish): number {
  const spoken = wish.kind === 'attest' ? wish.call.args.length + wish.call.result.length : 0;
  return spoken + NAMES_BYTES;
}

const NAMES_BYTES = 1_024;

function full({ wishes, bytes }: State): AppError {
  return new AppError('log.full', {
    waiting: wishes,
    waitingBytes: bytes,
    expected: `at most ${MAX_WAITING_WISHES}, and ${MAX_WAITING_BYTES} bytes; send again in a moment`,
  });
}
