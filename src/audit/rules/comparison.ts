import { compareWithOwner } from '../../consensus/owner-comparison.ts';
import { encode, type Json } from '../../events/ej1.ts';
import type { AuditContext } from '../audit-context.ts';
import type { Entry, RunRecord } from '../run-record.ts';

/** What the owner picked is recorded once; afterwards it is compared, not asked again. */
export function ownerPickObserved(
  { n, data }: Entry<'owner-pick.observed.v1'>,
  run: RunRecord,
  { fault }: AuditContext,
): void {
  if (run.ownerPick !== null || run.ownerMissed)
    fault('order-broken', n, 'one answer of the owner for a run', 'a second one');
  run.ownerPick ??= data;
}

/** The comparison is what the decision and the owner's pick give, and is made once. */
export function divergenceRecorded(
  { n, data }: Entry<'divergence.recorded.v1'>,
  run: RunRecord,
  { fault }: AuditContext,
): void {
  const { ownerPick, gate } = run;
  const decision = run.decision?.data;
  if (gate.record !== null) fault('order-broken', n, 'one comparison for a run', 'a second one');
  gate.record ??= data;
  if (decision === undefined || ownerPick === null) {
    fault('order-broken', n, 'a decision and a pick before their comparison', 'neither, or one');
    return;
  }
  const expected = encode(compareWithOwner(decision, ownerPick).data as Json); // safe: every schema of the catalogue is JSON
  if (encode(data) !== expected) fault('divergence-differs', n, expected, encode(data));
}

/** A comparison that does not count is of the same decision, with another answer of the owner. */
export function divergenceRepeated(
  { n, data: { inputs, owner } }: Entry<'divergence.repeated.v1'>,
  { gate }: RunRecord,
  { fault }: AuditContext,
): void {
  const first = gate.record;
  gate.repeated += 1;
  if (first === null) fault('order-broken', n, 'a first comparison', 'none');
  else if (inputs !== first.inputs || owner === first.owner)
    fault(
      'divergence-differs',
      n,
      `inputs ${first.inputs}, and another answer than ${first.owner}`,
      `${inputs}, ${owner}`,
    );
}
