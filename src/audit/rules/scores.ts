import { compositesOf } from '../../consensus/composite.ts';
import { buildReport } from '../../consensus/report.ts';
import { pae } from '../../consensus/signed.ts';
import { encode } from '../../events/ej1.ts';
import { sha256 } from '../../events/hash.ts';
import { REPORT_TYPE } from '../../events/report.ts';
import { MAX_MINERS, MAX_TASKS } from '../../events/run.ts';
import { type Opening, openBox, openFact } from '../../events/seal-box.ts';
import type { SealedType } from '../../events/sealed.ts';
import type { AuditContext } from '../audit-context.ts';
import { learn } from '../decision-facts.ts';
import { type Entry, pairPlace, type RunRecord } from '../run-record.ts';
import { checkCommitment } from './extrinsics.ts';
import { checkResult } from './results.ts';
import {
  evidenceGathered,
  invocationExcused,
  taskInvoked,
  taskJudged,
  verdictRefused,
} from './tasks.ts';

/** What gives scores away is in no log in the open. */
export function unsealed(
  { n, data }: Entry<SealedType>,
  _run: RunRecord,
  { fault }: AuditContext,
): void {
  fault('seal-missing', n, 'a sealed fact', `one of ${data.run} that everybody can read`);
}

/**
 * A sealed fact comes at its time: scores while the run is open, one report once it is closed. Whether it is what
 * it says shows when the run's key is public.
 */
export function factSealed(
  entry: Entry<'fact.sealed.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const { n, data } = entry;
  if (data.of === 'report.signed.v1') {
    if (run.reportAt !== null)
      context.fault('order-broken', n, 'one report for a run', 'a second one');
    if (run.closedAt === null)
      context.fault('order-broken', n, 'a report of a closed run', 'one of an open run');
    run.reportAt = n;
  } else if (run.closedAt !== null) {
    context.fault('order-broken', n, `no ${data.of} once the run is closed`, data.key);
  }
  if (run.key !== null) {
    takeOpening({ n, of: data.of }, openFact(data, run.key), run, context);
  } else if (context.log.held < MAX_HELD) {
    if (run.sealed.add(entry)) context.log.held += 1;
    else context.fault('seal-broken', n, `a ${data.of} in base64`, 'a box that is not canonical');
  } else context.fault('seal-unopened', n, `the keys of ${MAX_HELD} facts before it`, 'none');
}

/** Two whole runs, of each pair's four facts: no honest log has two at a time. */
const MAX_HELD = 2 * 4 * MAX_TASKS * MAX_MINERS;

/** A run's key is made public once, and opens every fact that was sealed. */
export function scoresOpened(
  { n, data }: Entry<'scores.opened.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  if (run.key !== null) {
    context.fault('order-broken', n, 'one scores.opened for a run', 'a second one');
    return;
  }
  if (run.closedAt === null)
    context.fault('order-broken', n, 'a closed run to open', 'an open one');
  run.key = data.key;
  context.log.held -= run.sealed.count();
  const { family, run: id } = run;
  run.sealed.release(({ n: at, of, key, digest, box }) => {
    const opening = openBox(box, { family, run: id, of, key, digest }, data.key);
    takeOpening({ n: at, of }, opening, run, context);
  });
}

function takeOpening(
  { n, of }: Readonly<{ n: number; of: SealedType }>,
  opening: Opening,
  run: RunRecord,
  context: AuditContext,
): void {
  if (opening.kind === 'refused') {
    context.fault('seal-broken', n, `a ${of} that the run's key opens`, opening.found);
    return;
  }
  const { event } = opening;
  switch (event.type) {
    case 'task.invoked.v1':
      return taskInvoked({ n, data: event.data }, run, context);
    case 'invocation.excused.v1':
      return invocationExcused({ n, data: event.data }, run, context);
    case 'evidence.gathered.v1':
      return evidenceGathered({ n, data: event.data }, run, context);
    case 'task.judged.v1':
      return taskJudged({ n, data: event.data }, run, context);
    case 'verdict.refused.v1':
      return verdictRefused({ n, data: event.data }, run, context);
    case 'score.recorded.v1':
      return scoreRecorded({ n, data: event.data }, run, context);
    case 'report.signed.v1':
      return reportSigned({ n, data: event.data }, run, context);
    default:
      return; // nothing else is ever sealed
  }
}

/** A score is of a task and a miner of the run, the first of its pair, and null exactly when the pair is excused. */
function scoreRecorded(
  { n, data }: Entry<'score.recorded.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const { fault } = context;
  const { task, miner, status, score } = data;
  const pair = pairPlace(run, data);
  if (pair === null) {
    fault('score-invalid', n, 'a task and a miner of the run', `${task} of ${miner}`);
    return;
  }
  run.pairs ??= new Uint8Array(run.places.tasks.size * run.places.miners.size);
  if (run.pairs[pair] === 1) {
    fault(
      'score-invalid',
      n,
      'one result for a pair: the first one stands',
      `another one of ${task} of ${miner}`,
    );
    return;
  }
  run.pairs[pair] = 1;
  checkResult({ n, data }, run, context);
  if ((status === 'excused') !== (score === null) || (status === 'failed' && score !== 0)) {
    fault(
      'score-invalid',
      n,
      'a score of null for an excused pair, of 0 for a failed one',
      `${status}, ${score}`,
    );
    return;
  }
  let tally = run.tallies.get(miner);
  if (tally === undefined) {
    tally = { sum: 0, judged: 0, excused: 0 };
    run.tallies.set(miner, tally);
  }
  if (score === null) tally.excused += 1;
  else {
    tally.sum += score;
    tally.judged += 1;
  }
}

/** A report is what the run's scores give, for this log's hotkey and network, and that hotkey signed it. */
function reportSigned(
  entry: Entry<'report.signed.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const { fault, log, verify } = context;
  const { n, data } = entry;
  const { opened } = run.facts;
  const { start } = log;
  if (opened === null || start === null) return;
  run.report = entry;
  learn(run.facts, { type: 'report.signed.v1', data }, []);
  const { family, roster, miners, tasks, phases } = opened;
  const tallies = [...run.tallies].map(([miner, tally]) => ({ miner, ...tally }));
  const taskCount = run.evaluation?.sample ?? tasks.length;
  const { scores, coverage } = compositesOf({ miners, taskCount, tallies });
  const { genesis, netuid, hotkey } = start;
  const body = buildReport({
    genesis,
    netuid,
    family,
    run: run.run,
    roster,
    snapshotBlock: phases.snapshot,
    hotkey,
    scores,
  });
  if (data.hotkey !== hotkey || data.body !== body) fault('report-differs', n, body, data.body);
  else if (data.digest !== sha256(body)) fault('report-differs', n, sha256(body), data.digest);
  else if (encode(data.coverage) !== encode(coverage))
    fault('report-differs', n, encode(coverage), encode(data.coverage));
  else if (!verify(pae(REPORT_TYPE, body), data.signature, hotkey))
    fault('signature-invalid', n, `a signature of ${hotkey} over its report`, 'another one');
  for (const commitment of run.commitments) checkCommitment(commitment, run, context);
  run.commitments = [];
  run.tallies.clear();
  run.pairs = null;
  run.evaluation?.pairs.clear();
}
