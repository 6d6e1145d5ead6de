import type { Blake2b256 } from '../consensus/commitment-extrinsic.ts';
import type { Accused } from '../consensus/exclusion.ts';
import type { Verify } from '../consensus/keys.ts';
import type { Rules } from '../events/decision.ts';
import type { LogStart } from '../events/log-started.ts';
import type { WeightMode } from '../events/weights.ts';
import { type Hash, hexOf } from '../merkle/tree.ts';
import type { ChainFact } from './chain-facts.ts';
import type { FaultCode } from './fault.ts';
import type { GateRun } from './gate.ts';
import type { LeftOut } from './left-out.ts';
import type { Data } from './run-record.ts';
import type { LedgerFacts } from './service-log.ts';

/** The cryptography that an auditor is given: no pure folder has it. */
export type AuditDeps = Readonly<{ verify: Verify; blake2b256: Blake2b256 }>;

/** What the rules keep of the whole log. */
export type LogRecord = {
  /** The log's name in its events. */
  source: string;
  /** Whose log it is; null until its first event said so, and where that is not to be believed. */
  start: LogStart | null;
  /** The latest run of each family. */
  newest: Map<string, string>;
  weights: Map<string, FamilyWeights>;
  /** Whom accepted evidence is against, in the order of the log. */
  accused: Accused[];
  /** The closed runs of each family, with how they compared with the owner's picks. */
  closed: Map<string, GateRun[]>;
  /** The mode in force, and how often it was changed. */
  mode: Readonly<{ number: number; mode: WeightMode | null }>;
  decisions: number;
  /** The rules of the decisions, each family's where they change. */
  inForce: RulesInForce[];
  /** Whose reports the decisions did not count. */
  leftOut: LeftOut[];
  /** Commitments in a form that this build does not read. */
  unread: number;
  /** Evidence that was read at a later head than the ledger's copy has. */
  beyondLedger: number;
  /** Sealed facts whose key is not known yet. */
  held: number;
};

/** What the rules keep of a family's weights over all of its runs: the last intent that named a vector, and the latest run that has one. */
export type FamilyWeights = { last: Data<'weights.intended.v1'> | null; latestRun: string | null };

/** Rules that a log decides by, from this run of the family on. */
export type RulesInForce = Readonly<{ family: string; run: string; n: number; rules: Rules }>;

/** What every rule may look at, beside the run that its event belongs to. */
export type AuditContext = AuditDeps &
  Readonly<{
    log: LogRecord;
    /** Who owns the subnet, and alone can be accused of two rosters; null where that is not known. */
    ownerHotkey: string | null;
    /** What the validator's ledger says in its own log; null where that is not there to be compared. */
    ledger: LedgerFacts | null;
    /** The root of this log's tree over its first `size` events; undefined for more than were read. */
    rootAt: (size: number) => Hash | undefined;
    /** Gets what the log says of the chain. */
    note: (fact: ChainFact) => void;
    fault: (code: FaultCode, index: number, expected: string, found: string) => void;
  }>;

/** Holds a root that an event names against this log's own at that size. */
export function checkOwnRoot(
  { size, root }: Readonly<{ size: number; root: string }>,
  at: Readonly<{ n: number; what: string }>,
  { rootAt, fault }: AuditContext,
): void {
  const own = size > at.n ? undefined : rootAt(size);
  const computed = own === undefined ? 'no such tree yet' : hexOf(own);
  if (computed === root) return;
  fault('anchor-differs', at.n, computed, `${root} of ${size} events, by ${at.what}`);
}
