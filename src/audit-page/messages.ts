import type { LogVerdict } from '../audit/audit-log.ts';
import type { Fault } from '../audit/fault.ts';

/** What the page asks of its worker: to audit the log at an address. One audit a worker. */
export type Ask = Readonly<{ log: string }>;

/** A line of the result: `exact` values are hashes, names and the like, which are compared sign by sign. */
export type Fact = Readonly<{ name: string; value: string; exact: boolean }>;

/** What the worker tells the page: how far it is, and at the end one of the other two. */
export type Answer =
  | Readonly<{ kind: 'progress'; done: number; total: number | null }>
  | Readonly<{
      kind: 'verdict';
      checkpoint: LogVerdict['checkpoint'];
      faults: readonly Fault[];
      facts: readonly Fact[];
    }>
  /** The audit came to no verdict: the log can't be read. */
  | Readonly<{ kind: 'failed'; reason: string }>;
