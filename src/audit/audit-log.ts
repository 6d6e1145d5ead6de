import type { LogStart } from '../events/log-started.ts';
import { type ReadTile, rootFromTiles } from '../merkle/tile-proof.ts';
import { type Hash, hexOf } from '../merkle/tree.ts';
import type { AuditDeps, RulesInForce } from './audit-context.ts';
import {
  type ChainCheck,
  type ChainVerdict,
  type ChainView,
  createChainCheck,
} from './chain-facts.ts';
import { checkClaims, type TreeClaim } from './claims.ts';
import { type Fault, type Faults, gatherFaults } from './fault.ts';
import type { GateRun } from './gate.ts';
import type { LeftOut } from './left-out.ts';
import type { LogSource } from './log-source.ts';
import { checkLogKey, checkNote, type Published } from './published-note.ts';
import { createLeafReader, type LeafReader } from './read-leaves.ts';
import { type RunReport, reportOf } from './run-report.ts';
import { checkTiles, fetchBundles } from './served-tiles.ts';
import type { LedgerFacts } from './service-log.ts';
import { createStateMachine, type RulesVerdict } from './state-machine.ts';

/** What an auditor knows from elsewhere; null believes what the log says of itself, under its hotkey's signature. */
export type Expectations = Readonly<{
  hotkey: string | null;
  /** Genesis hash, 64 hex digits. */
  genesis: string | null;
  netuid: number | null;
  /** Who owns the subnet, by the chain: nobody else can be accused of two rosters. */
  ownerHotkey: string | null;
  /** What the chain, peers and witnesses say of the log's tree. */
  claims: readonly TreeClaim[];
  /** A run that is to be told of in full; null for none. */
  run?: string | null;
  /** A node that what the log says of the chain is compared with; null, or left out, for none. */
  chain?: ChainView | null;
  /** The ledger of the validator, which what the log says of it is compared with; null, or left out, for none. */
  ledger?: LedgerFacts | null;
}>;

/** What an audit of a log came to. */
export type LogVerdict = Readonly<{
  /** Where it was read. */
  log: string;
  /** The log's name; null where nothing of it could be read. */
  origin: string | null;
  /** Events that were read, and the root over them, 64 hex digits. */
  size: number;
  root: string;
  /** `absent`: the source has none, so nothing says that the log is whole. */
  checkpoint: 'verified' | 'refused' | 'absent';
  /** None: everything that was checked is as it has to be. At most `MAX_FAULTS`. */
  faults: readonly Fault[];
  /** The index from which the rules were not applied, because an event before them is no longer what it was; null: all. */
  rulesEndAt: number | null;
  /** Events by type. */
  events: Readonly<Record<string, number>>;
  /** Events of types that this build does not know: their rules were not applied. */
  unknown: Readonly<Record<string, number>>;
  /** Served hash tiles that were compared. */
  tiles: number;
  /** What the rules looked at. */
  rules: RulesVerdict;
  /** The closed runs of each family, with how they compared with the owner's picks. */
  gate: ReadonlyMap<string, readonly GateRun[]>;
  /** The rules that its decisions follow, by its own word, where they change: whoever audits compares them with what is agreed. */
  inForce: readonly RulesInForce[];
  /** Whose reports its decisions did not count: what other logs hold of them, `compareLeftOut` tells. */
  leftOut: readonly LeftOut[];
  /** The run that was to be told of, in each family that has it. */
  runs: readonly RunReport[];
  /** Claims that were asked for, and those that agree. */
  claims: Readonly<{ checked: number; agreeing: number }>;
  /** How what it says of the chain compared with the chain; null where no chain was asked. */
  chain: ChainVerdict | null;
}>;

/** Tells how far an audit is: events read, of how many; null while that is not known. */
export type OnProgress = (done: number, total: number | null) => void;

/**
 * Audits a whole log: the signatures of its checkpoint, every event's bytes, place, schema and hash, every
 * served hash tile, the root in two ways, the rules that events have to follow, and what others know of its
 * tree. Trusts nothing of the source. Faults are values, and the audit goes on where that makes sense; it
 * throws only where the source does not answer (`log.unavailable`) or the caller stops it.
 */
export async function auditLog(
  source: LogSource,
  expected: Expectations,
  deps: AuditDeps,
  onProgress: OnProgress = () => undefined,
): Promise<LogVerdict> {
  const faults = gatherFaults();
  const published = checkNote(await source.checkpoint(), expected, { ...deps, faults });
  const total = published.checkpoint?.size ?? null;
  const types = new Map<string, number>();
  const rootAt = (size: number): Hash | undefined => reader.hashes.rootAt(size);
  const chain = expected.chain ? createChainCheck(expected.chain, faults) : null;
  const machine = createStateMachine({
    ...deps,
    faults,
    rootAt,
    ownerHotkey: expected.ownerHotkey,
    ledger: expected.ledger ?? null,
    note: (fact) => chain?.note(fact),
    source: () => reader.source() ?? '',
    keep: ({ run }) => run === expected.run,
  });
  const reader: LeafReader = createLeafReader(published.checkpoint?.origin ?? null, {
    faults,
    take: (recorded) => {
      types.set(recorded.event.type, (types.get(recorded.event.type) ?? 0) + 1);
      machine.take(recorded);
    },
  });
  const whole = await readWhole(source, total, { reader, chain, faults, onProgress });
  reader.end(published.checkpoint?.root ?? null);
  await chain?.settle();
  checkLogKey(published, machine.start(), faults);
  checkNetwork(machine.start(), expected, faults);
  checkTypes(reader, faults);
  const tiles = total !== null && whole ? await checkTiles(source, reader, faults) : 0;
  if (whole) await checkRoot(source, published, reader, faults);
  const agreeing = whole ? checkClaims(expected.claims, { hashes: reader.hashes, faults }) : 0;
  return {
    log: source.name,
    origin: reader.source(),
    size: reader.hashes.size(),
    root: hexOf(reader.hashes.rootAt(reader.hashes.size()) ?? NOTHING),
    checkpoint: checkpointVerdict(published, faults),
    faults: faults.list(),
    rulesEndAt: reader.brokenAt(),
    events: sorted(types),
    unknown: sorted(new Map([...reader.unknown()].map(([type, { times }]) => [type, times]))),
    tiles,
    rules: machine.end(),
    gate: machine.closed(),
    inForce: machine.inForce(),
    leftOut: machine.leftOut(),
    runs: machine.kept().map(reportOf),
    chain: chain?.verdict() ?? null,
    claims: { checked: whole ? expected.claims.length : 0, agreeing },
  };
}

/** Reads a log to its end; false where it is lost on the way, or has as many faults as are told. */
async function readWhole(
  source: LogSource,
  total: number | null,
  deps: Readonly<{
    reader: LeafReader;
    chain: ChainCheck | null;
    faults: Faults;
    onProgress: OnProgress;
  }>,
): Promise<boolean> {
  const { reader, chain, faults, onProgress } = deps;
  for await (const bundle of fetchBundles(source, total)) {
    const read = reader.read(bundle);
    await chain?.settle();
    onProgress(reader.hashes.size(), total);
    if (read === 'lost' || faults.full()) return false;
    if (read === 'last') break;
  }
  return true;
}

/** A log's name has eight digits of the genesis hash, and all that its hotkey signs has the whole of it. */
function checkNetwork(start: LogStart | null, { genesis }: Expectations, faults: Faults): void {
  if (start === null || genesis === null || start.genesis === genesis) return;
  const [expected, found] = [`a log of ${genesis}`, `one of ${start.genesis}`];
  faults.add({ code: 'start-invalid', index: 0, expected, found });
}

/** Nothing was held against a rule that this build does not have: no such log passes for one that keeps to all of them. */
function checkTypes({ unknown }: LeafReader, faults: Faults): void {
  for (const [type, { first: index, times }] of unknown()) {
    const found = `${times} of ${type}, whose rules were not applied`;
    faults.add({ code: 'event-unknown', index, expected: 'events of known types', found });
  }
}

/**
 * The root over the events that were read against the signed one; and where tiles are served, the root that they
 * give, by the other way to compute one.
 */
async function checkRoot(
  source: LogSource,
  { checkpoint }: Published,
  { hashes }: LeafReader,
  faults: Faults,
): Promise<void> {
  if (checkpoint === null) return;
  const index = hashes.size();
  const of = { code: 'root-differs', index } as const;
  const expected = hexOf(checkpoint.root);
  const found = hexOf(hashes.rootAt(index) ?? NOTHING);
  if (found !== expected) faults.add({ ...of, where: 'checkpoint', expected, found });
  // Altered tiles give another root: that they are altered was told, each at its place.
  if (faults.list().some(({ code }) => code.startsWith('tile-'))) return;
  const read: ReadTile = async (level, at, width) =>
    (await source.tile(level, at, width)) ?? NOTHING;
  const served = hexOf(await rootFromTiles(index, read));
  if (served !== expected) faults.add({ ...of, where: 'tiles', expected, found: served });
}

const NOTHING = new Uint8Array(0);

function checkpointVerdict({ checkpoint }: Published, faults: Faults): LogVerdict['checkpoint'] {
  if (faults.list().some(({ code }) => code.startsWith('checkpoint-'))) return 'refused';
  return checkpoint === null ? 'absent' : 'verified';
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
