import { AppError } from '../../errors.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import type { Head } from '../../events/envelope.ts';
import type { LogWriter } from '../../events/log.ts';
import {
  jobsAmong,
  modelCallsAmong,
  reservedAmong,
  toolCallsAmong,
} from '../../projectors/ledger.ts';
import type { Queries } from '../../projectors/projector.ts';
import { addFact, type Facts, knownIn, noFacts } from './facts.ts';
import { type Refusal, type Ruling, ruleOnWish, type Wish } from './rule-on-wish.ts';

/** What may wait for its turn: four seconds of the load that the ledger is made for. */
export const MAX_WAITING_WISHES = 20_000;

/** As much of an ordinary size, and some more. */
export const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** Wishes that are ruled on in one turn: some milliseconds in which nobody else is answered. The log groups appends itself. */
const MAX_GROUP_WISHES = 100;

/** Appends under way: what waits behind the one that is written makes the next batch, up to its limit. */
const MAX_APPENDS = 8;

/** Batches that the projection does not show yet: they are kept in memory, and each is looked into for every wish. */
const MAX_UNSHOWN_BATCHES = 64;

/** What they may take of it together, one batch aside. */
const MAX_UNSHOWN_BYTES = 32 * 1024 * 1024;

export type DeskDeps = Readonly<{
  append: LogWriter['append'];
  queries: Queries;
  /** How many events the projection shows. */
  shown: () => number;
  /** Resolves when it shows that many. */
  reached: (size: number) => Promise<void>;
  /** Resolves when others had their turn: between two, whoever reads is answered. */
  turn: () => Promise<void>;
  now: () => string;
}>;

/** What became of the wishes of one request: all are taken, or none. */
export type Ruled =
  | Readonly<{
      kind: 'taken';
      /** One for each wish: when it was recorded, and whether that was before. */
      facts: readonly Readonly<{ again: boolean; time: string }>[];
    }>
  | (Refusal & Readonly<{ index: number }>);

export type Desk = Readonly<{
  /**
   * Rules on wishes in the order in which they come, and records what is new; resolves when all of it is stored.
   * Throws `log.full` where too much waits, `log.conflict` and `log.unavailable` when the log takes nothing any more.
   */
  submit: (wishes: readonly Wish[]) => Promise<Ruled>;
  /** What was acknowledged and the projection may not show yet. */
  unshown: () => Unshown;
  /** How many wishes wait. */
  waiting: () => number;
}>;

/** The newest part of the log: without a gap from where a projection is to what was acknowledged last. */
export type Unshown = Readonly<{
  /** In the log's order. */
  facts: readonly Facts[];
  /** The log's head behind them; null where there are none. */
  head: Head | null;
}>;

/** The one place where it is decided what goes into the ledger: nothing is decided beside what is under way. */
export function createDesk(deps: DeskDeps): Desk {
  const state: State = { queue: [], wishes: 0, bytes: 0, batches: [] };
  let idle = true;
  const work = async (): Promise<void> => {
    idle = false;
    while (state.queue.length > 0) {
      await deps.turn();
      await recordNext(state, deps);
    }
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
    unshown: () => {
      const shown = deps.shown();
      const batches = state.batches.filter(({ end }) => end !== null && end.size > shown);
      return { facts: batches.map(({ facts }) => facts), head: batches.at(-1)?.end ?? null };
    },
    waiting: () => state.wishes,
  };
}

type State = {
  readonly queue: Request[];
  wishes: number;
  bytes: number;
  /** What the projection may not show yet, in the log's order. */
  batches: readonly Batch[];
};

type Request = Readonly<{
  wishes: readonly Wish[];
  bytes: number;
  settle: PromiseWithResolvers<Ruled>;
}>;

type Batch = {
  readonly facts: Facts;
  readonly bytes: number;
  /** The log's head behind it; null until it is stored. */
  end: Head | null;
  readonly stored: Promise<void>;
};

/** Takes what waits, up to one batch, and hands it to the log. Never rejects: whoever waits hears of a fault. */
async function recordNext(state: State, deps: DeskDeps): Promise<void> {
  try {
    await makeRoom(state, deps);
  } catch (error) {
    for (const { settle } of takeGroup(state, Number.POSITIVE_INFINITY)) settle.reject(error);
    return;
  }
  const group = takeGroup(state, MAX_GROUP_WISHES);
  try {
    // What was forgotten is found in the projection, everything else in the batches that stay.
    const before = await lookUp(group, deps.queries);
    record(group, [...state.batches.map(({ facts }) => facts), before], state, deps);
  } catch (error) {
    for (const { settle } of group) settle.reject(error);
  }
}

/** Waits until there may be another batch, and forgets what the projection shows by now. */
async function makeRoom(state: State, { shown, reached }: DeskDeps): Promise<void> {
  const pending = state.batches.filter(({ end }) => end === null);
  // That it failed is told to those whose wishes were in it.
  if (pending.length >= MAX_APPENDS) await pending[0]?.stored.catch(() => undefined);
  for (;;) {
    const size = shown();
    state.batches = state.batches.filter(({ end }) => end === null || end.size > size);
    const [oldest] = state.batches;
    if (oldest === undefined || isKept(state.batches)) return;
    await oldest.stored.catch(() => undefined);
    if (oldest.end !== null) await reached(oldest.end.size);
  }
}

/** Whether so much may be kept in memory, and a batch more. */
function isKept(batches: readonly Batch[]): boolean {
  const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0);
  return batches.length < MAX_UNSHOWN_BATCHES && bytes < MAX_UNSHOWN_BYTES;
}

/** Whole requests from the queue's beginning, as many as `limit` wishes, and at least one. */
function takeGroup(state: State, limit: number): readonly Request[] {
  let wishes = 0;
  let count = 0;
  for (const request of state.queue) {
    if (count > 0 && wishes + request.wishes.length > limit) break;
    wishes += request.wishes.length;
    state.bytes -= request.bytes;
    count++;
  }
  state.wishes -= wishes;
  return state.queue.splice(0, count);
}

/** What the projection has of the things that these wishes are about. */
async function lookUp(group: readonly Request[], queries: Queries): Promise<Facts> {
  const [jobs, tools, models] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const { wishes } of group) {
    for (const wish of wishes) {
      if (wish.kind === 'open') jobs.add(wish.terms.job);
      else if (wish.kind === 'close') jobs.add(wish.job);
      else {
        jobs.add(wish.call.job);
        (wish.kind === 'attest' ? tools : models).add(wish.call.call);
      }
    }
  }
  const facts = noFacts();
  for (const job of await jobsAmong(queries, [...jobs])) facts.jobs.set(job.data.job, job);
  for (const call of await toolCallsAmong(queries, [...tools]))
    facts.toolCalls.set(call.data.call, call);
  for (const call of await modelCallsAmong(queries, [...models]))
    facts.modelCalls.set(call.data.call, call);
  for (const call of await reservedAmong(queries, [...models]))
    facts.reserved.set(call.data.call, call);
  return facts;
}

/** Rules on each request in turn, and appends what is new of all of them. */
function record(
  group: readonly Request[],
  before: readonly Facts[],
  state: State,
  { append, now }: DeskDeps,
): void {
  const time = now();
  const events: DomainEvent[] = [];
  const facts = noFacts();
  const answers: (readonly [Request, Ruled])[] = [];
  for (const request of group) {
    const ruled = ruleOn(request.wishes, [facts, ...before], time);
    for (const event of ruled.events) addFact(facts, event, time);
    events.push(...ruled.events);
    answers.push([request, ruled.answer]);
  }
  const earlier = state.batches.map(({ stored }) => stored);
  const stored = events.length === 0 ? Promise.resolve(null) : store(events, time, append);
  const batch: Batch = {
    facts,
    bytes: group.reduce((sum, { bytes }) => sum + bytes, 0),
    end: null,
    stored: stored.then((end) => {
      batch.end = end;
    }),
  };
  if (events.length > 0) state.batches = [...state.batches, batch];
  // A refusal and a repetition rest on what may be under way still: they are as late as that.
  Promise.all([...earlier, batch.stored]).then(
    () => {
      for (const [{ settle }, answer] of answers) settle.resolve(answer);
    },
    (error: unknown) => {
      state.batches = state.batches.filter((other) => other !== batch);
      for (const [{ settle }] of answers) settle.reject(error);
    },
  );
}

function ruleOn(
  wishes: readonly Wish[],
  before: readonly Facts[],
  time: string,
): Readonly<{ answer: Ruled; events: readonly DomainEvent[] }> {
  const own = noFacts();
  const known = knownIn([own, ...before]);
  const events: DomainEvent[] = [];
  const facts: { again: boolean; time: string }[] = [];
  for (const [index, wish] of wishes.entries()) {
    const ruling: Ruling = ruleOnWish(wish, known);
    if (ruling.kind === 'refused') return { answer: { ...ruling, index }, events: [] };
    if (ruling.kind === 'new') {
      addFact(own, ruling.event, time);
      events.push(ruling.event);
    }
    const again = ruling.kind === 'again';
    facts.push({ again, time: again ? ruling.time : time });
  }
  return { answer: { kind: 'taken', facts }, events };
}

/** Appends the events; gives the log's head behind them. */
async function store(
  events: readonly DomainEvent[],
  time: string,
  append: LogWriter['append'],
): Promise<Head> {
  const result = await append(events.map((event) => ({ event, time, causationId: null })));
  if (result.kind === 'conflict') {
    throw new AppError('log.conflict', {
      expected: result.expected,
      found: result.found,
      next: 'another process writes this log: stop it, then start this one again',
    });
  }
  const last = result.events.at(-1);
  if (last === undefined) throw new TypeError('an append of nothing');
  return { size: last.n + 1, hash: last.hash };
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
