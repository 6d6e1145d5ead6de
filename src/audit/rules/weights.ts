import { holdOutcome } from '../../consensus/decide.ts';
import { decideWeights, ownerOutcome } from '../../consensus/intended-weights.ts';
import { digestOf } from '../../consensus/outcome.ts';
import { sameWeights } from '../../consensus/vector.ts';
import { encode } from '../../events/ej1.ts';
import { runSequence } from '../../events/scalars.ts';
import type { AuditContext, FamilyWeights, LogRecord } from '../audit-context.ts';
import { decisionFactsOf } from '../decision-facts.ts';
import { type Data, type Entry, endRun, type RunRecord } from '../run-record.ts';
import { unruledIntent } from './owner-weights.ts';

/**
 * What is to be set follows from the certificate, the owner's pick or the hold, by the rule of the mode in force. A
 * second intent takes the place of one that held for want of a certificate, once there is one.
 */
export function weightsIntended(
  entry: Entry<'weights.intended.v1'>,
  run: RunRecord,
  { log, fault }: AuditContext,
): void {
  const { n, data } = entry;
  const before = run.intents.at(-1)?.data;
  const waited = before?.mode === 'decentralized' && before.outcome === null;
  if (before !== undefined && (!waited || run.certificate === null))
    fault('order-broken', n, 'a second intent only for a certificate that came late', 'another');
  if (data.mode !== log.mode.mode)
    fault('weights-differ', n, `the mode in force, ${log.mode.mode ?? 'none yet'}`, data.mode);
  run.intents.push(entry);
  const family = weightsOf(log, run);
  const expected = intentOf(data, run, family);
  if (expected === null) fault('order-broken', n, 'a decision before its weights', 'none');
  else if (encode(expected) !== encode(data))
    fault('weights-differ', n, encode(expected), encode(data));
  if (data.vector === null) return;
  family.last = data;
  if (family.latestRun === null || runSequence(data.run) > runSequence(family.latestRun))
    family.latestRun = data.run;
}

type Intent = Data<'weights.intended.v1'>;

/** The intent that follows from the log; null where nothing of it is known that the mode asks for. */
function intentOf(data: Intent, run: RunRecord, family: FamilyWeights): Intent | null {
  const { opened, current } = run.facts;
  const facts = decisionFactsOf(run.facts);
  if (opened === null) return null;
  if (facts === null) return data.mode === 'owner' ? unruledIntent(data, run, family) : null;
  const seats = current?.known === true ? current.snapshot : null;
  return decideWeights({
    family: run.family,
    run: run.run,
    mode: data.mode,
    targetBlock: opened.phases.certify,
    certificate: run.certificate?.certificate ?? null,
    owner: ownerOutcome(run.ownerPick, seats, facts.rules.minVectorLength),
    hold: holdOutcome(facts, 'certificate-missed'),
    last: family.last,
  });
}

/** Weights give way to those of a later run that has an intent. */
export function weightsSuperseded(
  { n, data: { run: own, by } }: Entry<'weights.superseded.v1'>,
  run: RunRecord,
  { log, fault }: AuditContext,
): void {
  const { latestRun } = weightsOf(log, run);
  if (by !== latestRun || runSequence(by) <= runSequence(own))
    fault(
      'order-broken',
      n,
      `the latest run with an intent, ${latestRun ?? 'none'}, after ${own}`,
      by,
    );
  const sealed = run.sealed.first();
  if (sealed !== null) fault('seal-unopened', sealed, `the key of ${own}`, 'none');
  log.held -= run.sealed.count();
  endRun(run);
}

/** What the chain holds is compared with what the attempt carried: the recorded comparison is the true one. */
export function weightsObserved(
  entry: Entry<'weights.observed.v1'>,
  run: RunRecord,
  { fault }: AuditContext,
): void {
  const { n, data } = entry;
  const attempt = run.attempts.get('weights')?.[data.attempt - 1];
  if (attempt?.settled?.data.outcome !== 'succeeded') {
    fault('order-broken', n, 'an attempt that succeeded', `attempt ${data.attempt}`);
    return;
  }
  const { carries } = attempt.settled.data;
  const intent = run.intents.find(
    ({ data: { vector } }) => vector !== null && digestOf(vector) === carries,
  );
  const vector = intent?.data.vector ?? null;
  if (vector === null) return; // told where it was signed
  const matches = sameWeights(data.vector ?? [], vector);
  if (matches !== data.matches)
    fault('weights-differ', n, `matches: ${matches}`, `matches: ${data.matches}`);
  run.observations.push(entry);
}

function weightsOf({ weights }: LogRecord, { family }: RunRecord): FamilyWeights {
  const known = weights.get(family) ?? { last: null, latestRun: null };
  weights.set(family, known);
  return known;
}
