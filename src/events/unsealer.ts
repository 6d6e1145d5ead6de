import { AppError } from '../errors.ts';
import type { DomainEvent } from './catalogue.ts';
import { eventId, type InRun, runOf, subjectIn } from './define-event.ts';
import { definitionOf } from './definitions.ts';
import type { Recorded } from './envelope.ts';
import type { RunKeys } from './run-key.ts';
import { openFact, type SealedEvent } from './seal-box.ts';

/** An event as those who hold the keys see it: a sealed fact is the event inside, in the same place. */
export function expandFact(recorded: Recorded, keys: RunKeys): Recorded {
  const { event } = recorded;
  return event.type === 'fact.sealed.v1' ? expand(recorded, event, keys(event.data)) : recorded;
}

/** As `expandFact`, for keys that may be another log's: what they do not open stays sealed. */
export function expandIfOpened(recorded: Recorded, keys: RunKeys): Recorded {
  const { event } = recorded;
  if (event.type !== 'fact.sealed.v1') return recorded;
  const opened = openFact(event.data, keys(event.data));
  return opened.kind === 'opened' ? inPlace(recorded, opened.event) : recorded;
}

function expand(recorded: Recorded, { data }: SealedEvent, runKey: string): Recorded {
  const opened = openFact(data, runKey);
  if (opened.kind === 'opened') return inPlace(recorded, opened.event);
  const { found, cause } = opened;
  const { n: index, hash: leaf } = recorded;
  throw new AppError('log.broken', { index, leaf, of: data.of, key: data.key, found }, { cause });
}

/** The event that was inside, in the place where it was recorded. */
function inPlace(recorded: Recorded, event: DomainEvent): Recorded {
  return { ...recorded, event, id: eventId(definitionOf(event.type), event.data) };
}

/** A run whose sealed facts nobody opened: how many there are, and where the first of them stands. */
export type SealedRun = InRun & Readonly<{ facts: number; firstIndex: number }>;

export type Unsealer = Readonly<{
  /** Takes a log's events in order; gives those that can be read now, in their order, each once. */
  take: (recorded: Recorded) => readonly Recorded[];
  /** What is still sealed, by the order of the first fact. */
  sealed: () => readonly SealedRun[];
}>;

/**
 * Reads a log whose keys are known, or become known by it: without `keys`, a run's sealed facts wait for
 * `scores.opened` and come right before it, in the place where they were recorded. Throws `log.broken` for a fact
 * that its key does not open, and where more waits than a log of honest size can hold.
 */
export function createUnsealer(keys: RunKeys | null = null): Unsealer {
  const held = new Map<string, Recorded[]>();
  const opened = new Map<string, string>();
  let bytes = 0;
  const hold = (recorded: Recorded, run: string): readonly Recorded[] => {
    bytes += sizeOf(recorded);
    if (bytes > MAX_HELD_BYTES) {
      const found = `more than ${MAX_HELD_BYTES} bytes of sealed facts that no run has opened`;
      throw new AppError('log.broken', { index: recorded.n, leaf: recorded.hash, found });
    }
    const facts = held.get(run) ?? [];
    facts.push(recorded);
    held.set(run, facts);
    return [];
  };
  const open = (run: string, key: string): readonly Recorded[] => {
    const facts = held.get(run) ?? [];
    held.delete(run);
    bytes -= facts.reduce((sum, fact) => sum + sizeOf(fact), 0);
    remember(opened, run, key);
    return facts.map((fact) => expandFact(fact, () => key));
  };
  return {
    take: (recorded) => {
      const { event } = recorded;
      if (event.type !== 'fact.sealed.v1' && event.type !== 'scores.opened.v1') return [recorded];
      const run = subjectIn(event.data);
      if (event.type === 'scores.opened.v1') return [...open(run, event.data.key), recorded];
      const key = keys === null ? opened.get(run) : keys(event.data);
      return key === undefined ? hold(recorded, run) : [expand(recorded, event, key)];
    },
    sealed: () => [...held.values()].flatMap(sealedRunOf),
  };
}

/** A whole run of 65,536 scores takes a third of it, and two runs at once are all that an honest log has. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;

/** What an event takes in memory beside its box. */
const FACT_BYTES = 768;

function sizeOf({ event }: Recorded): number {
  return FACT_BYTES + (event.type === 'fact.sealed.v1' ? event.data.box.length : 0);
}

/** A fact that comes after its run was opened is of a recent run. */
const MAX_KEYS = 1_024;

/** The first key of a run stands: another one opens nothing that was sealed with it. */
function remember(opened: Map<string, string>, run: string, key: string): void {
  if (opened.has(run)) return;
  const [oldest] = opened.keys();
  if (opened.size === MAX_KEYS && oldest !== undefined) opened.delete(oldest);
  opened.set(run, key);
}

function sealedRunOf(facts: readonly Recorded[]): readonly SealedRun[] {
  const [first] = facts;
  const run = first === undefined ? null : runOf(first.event.data);
  if (first === undefined || run === null) return [];
  return [{ family: run.family, run: run.run, facts: facts.length, firstIndex: first.n }];
}
