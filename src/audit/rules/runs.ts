import { wantedSeats } from '../../consensus/snapshot.ts';
import { runSequence } from '../../events/scalars.ts';
import type { AuditContext } from '../audit-context.ts';
import { newEvaluationRecord } from '../evaluation-record.ts';
import type { Entry, RunRecord } from '../run-record.ts';

/** A run is opened once, after every run before it in the sequence of its family. */
export function runOpened(
  { n, data }: Entry<'run.opened.v1'>,
  run: RunRecord,
  { log: { newest }, fault }: AuditContext,
): void {
  const last = newest.get(data.family);
  if (run.facts.opened !== null) {
    fault('order-broken', n, 'one run.opened for a run', `a second one of ${data.run}`);
  } else if (last !== undefined && runSequence(data.run) <= runSequence(last)) {
    fault('order-broken', n, `a run after ${last}`, data.run);
  }
  newest.set(data.family, data.run);
  run.openedAt ??= n;
  run.places = { tasks: placesOf(data.tasks), miners: placesOf(data.miners) };
}

function placesOf(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, index) => [name, index]));
}

/** The roster that was accepted is the one that the run was opened by, at once: from then on the run is measured here. */
export function rosterAccepted(
  { n, data }: Entry<'roster.accepted.v1'>,
  run: RunRecord,
  { fault }: AuditContext,
): void {
  const roster = run.facts.opened?.roster;
  if (roster !== undefined && roster !== data.roster)
    fault('order-broken', n, `the roster ${roster}`, data.roster);
  if (run.openedAt === null || n !== run.openedAt + 1)
    fault('order-broken', n, 'a roster right behind run.opened', 'one at another place');
  run.evaluation ??= newEvaluationRecord(data.sample);
}

/** A run is closed once. */
export function runClosed(
  { n, data }: Entry<'run.closed.v1'>,
  run: RunRecord,
  { log: { closed }, fault }: AuditContext,
): void {
  if (run.closedAt !== null) {
    fault('order-broken', n, 'one run.closed for a run', `a second one of ${data.run}`);
    return;
  }
  run.closedAt = n;
  closed.set(data.family, [...(closed.get(data.family) ?? []), run.gate]);
}

/** A snapshot is taken once for a phase, at that phase's block, and lists nobody twice. */
export function snapshotTaken(
  { n, data: { phase, snapshot } }: Entry<'snapshot.taken.v1'>,
  run: RunRecord,
  { fault, note }: AuditContext,
): void {
  const { opened, open, current } = run.facts;
  const first = phase === 'decide' && open?.known === true ? open.snapshot : null;
  const miners = wantedSeats(opened?.miners ?? [], first);
  note({ about: 'snapshots', n, said: snapshot, miners });
  const before = phase === 'open' ? open : current;
  if (before?.known === true)
    fault('order-broken', n, `one snapshot of phase ${phase}`, 'a second one');
  const block = phase === 'open' ? opened?.phases.snapshot : opened?.phases.decide;
  if (block !== undefined && snapshot.block !== block)
    fault('inputs-differ', n, `a snapshot of block ${block}`, `one of block ${snapshot.block}`);
  for (const list of ['voters', 'miners'] as const) {
    if (!isSortedSet(snapshot[list].map(({ hotkey }) => hotkey)))
      fault(
        'inputs-differ',
        n,
        `${list} sorted by hotkey, each once`,
        'another order, or a repeat',
      );
  }
}

/** Once a run is decided, nothing comes any more that a decision looks at. */
export function isLate(type: string, run: RunRecord): boolean {
  if (run.superseded) return !AFTER_END.has(type);
  return run.decision !== null && BEFORE_DECISION.has(type);
}

const BEFORE_DECISION: ReadonlySet<string> = new Set([
  'snapshot.taken.v1',
  'snapshot.missed.v1',
  'fact.sealed.v1',
  'scores.opened.v1',
  'commitments.read.v1',
  'commitments.missed.v1',
  'peer-report.accepted.v1',
  'peer-report.rejected.v1',
  'equivocation.recorded.v1',
  'inputs.gathered.v1',
  'decision.made.v1',
]);

/** What still comes once a later run's weights stand: commitments are repeated, runs compared again, runtimes gone. */
const AFTER_END: ReadonlySet<string> = new Set([
  'extrinsic.signed.v1',
  'extrinsic.included.v1',
  'extrinsic.settled.v1',
  'commitment-proof.read.v1',
  'divergence.repeated.v1',
  'checkpoint.observed.v1',
  'anchors.read.v1',
  'runtime.ended.v1',
]);

/** Whether each text is greater than the one before it. */
export function isSortedSet(texts: readonly string[]): boolean {
  return texts.every((text, index) => index === 0 || (texts[index - 1] ?? '') < text);
}
