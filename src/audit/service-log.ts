import { ownerEvents } from '../events/catalogue.ts';
import type { Recorded } from '../events/envelope.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { HASH_BYTES, hexOf } from '../merkle/tree.ts';
import { type Fault, type Faults, gatherFaults } from './fault.ts';
import { createLedgerRules, type JobFacts, type LedgerTotals } from './ledger-rules.ts';
import type { LogSource } from './log-source.ts';
import { createLeafReader, type LeafReader } from './read-leaves.ts';
import { fetchBundles } from './served-tiles.ts';

/** A log beside a validator's own: that of its ledger, or of the subnet's owner. */
export type ServiceLogKind = 'ledger' | 'owner';

/** What an audit of such a log came to. It has no checkpoint: that it is whole, only what was said of it elsewhere tells. */
export type ServiceLogVerdict = Readonly<{
  log: string;
  /** The log's name; null where nothing of it could be read. */
  origin: string | null;
  size: number;
  root: string;
  faults: readonly Fault[];
  /** The index from which the rules were not applied; null: all. */
  rulesEndAt: number | null;
  /** Events by type. */
  events: Readonly<Record<string, number>>;
  /** Null for a log that is no ledger's. */
  ledger: LedgerTotals | null;
}>;

/** What an audited ledger says, to be compared with what its validator says of it. */
export type LedgerFacts = Readonly<{
  /** The leaf hash of the last of the first `size` events; undefined beyond its end. */
  headAt: (size: number) => string | undefined;
  size: number;
  job: (job: string) => Readonly<JobFacts> | undefined;
}>;

/**
 * Audits the log of a ledger or of an owner as its stream has it: every event's bytes, place, schema and hash, that it
 * is of a type that this log has, and for a ledger the rules of its jobs. Throws only where the source does not answer.
 */
export async function auditServiceLog(
  source: LogSource,
  kind: ServiceLogKind,
  onProgress: (done: number) => void = () => undefined,
): Promise<Readonly<{ verdict: ServiceLogVerdict; facts: LedgerFacts }>> {
  const faults = gatherFaults();
  const types = new Map<string, number>();
  const rules = createLedgerRules((code, index, expected, found) =>
    faults.add({ code, index, expected, found }),
  );
  const take = (recorded: Recorded): void => {
    const { type } = recorded.event;
    types.set(type, (types.get(type) ?? 0) + 1);
    if (!isOf(kind, reader)) return;
    if (kind === 'ledger') rules.take(recorded);
    else if (!OWNER_TYPES.has(type)) {
      const expected = "an event of an owner's log";
      faults.add({ code: 'order-broken', index: recorded.n, expected, found: type });
    }
  };
  const reader: LeafReader = createLeafReader(null, { faults, take });
  await readAll(source, { reader, faults, onProgress });
  reader.end(null);
  checkName(reader, kind, faults);
  const { hashes } = reader;
  const verdict = {
    log: source.name,
    origin: reader.source(),
    size: hashes.size(),
    root: hexOf(hashes.rootAt(hashes.size()) ?? new Uint8Array(0)),
    faults: faults.list(),
    rulesEndAt: reader.brokenAt(),
    events: Object.fromEntries([...types].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    ledger: kind === 'ledger' ? rules.totals() : null,
  };
  return { verdict, facts: { headAt: headsOf(reader), size: hashes.size(), job: rules.job } };
}

const OWNER_TYPES: ReadonlySet<string> = new Set(ownerEvents.map(({ type }) => type));

async function readAll(
  source: LogSource,
  {
    reader,
    faults,
    onProgress,
  }: Readonly<{ reader: LeafReader; faults: Faults; onProgress: (done: number) => void }>,
): Promise<void> {
  for await (const bundle of fetchBundles(source, null)) {
    const read = reader.read(bundle);
    onProgress(reader.hashes.size());
    if (read !== 'read' || faults.full()) return;
  }
}

/** Events of one log have one name, which says of what kind it is: of another kind no rule is applied. */
function isOf(kind: ServiceLogKind, reader: Pick<LeafReader, 'source'>): boolean {
  return reader.source()?.startsWith(`eirel.network/${kind}/v1/`) === true;
}

function checkName(reader: LeafReader, kind: ServiceLogKind, faults: Faults): void {
  if (reader.hashes.size() === 0 || isOf(kind, reader)) return;
  const expected = kind === 'ledger' ? 'the log of a ledger' : 'the log of an owner';
  faults.add({ code: 'event-foreign', index: 0, expected, found: reader.source() ?? 'no name' });
}

function headsOf({ hashes }: Pick<LeafReader, 'hashes'>): LedgerFacts['headAt'] {
  return (size) => {
    if (size < 1 || size > hashes.size()) return undefined;
    const at = size - 1;
    const tile = hashes.tile(0, Math.floor(at / TILE_WIDTH), (at % TILE_WIDTH) + 1);
    return tile === undefined ? undefined : hexOf(tile.subarray(-HASH_BYTES));
  };
}
