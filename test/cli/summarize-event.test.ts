import { expect, test } from 'vitest';
import { summarize } from '#src/cli/summarize-event.ts';
import { catalogue, type DomainEvent } from '#src/events/catalogue.ts';
import { digest, hotkey } from '../support/recorded-events.ts';
import { dataOf, runEvents } from '../support/run-events.ts';

const [own, peer, miner] = ['5aaa…aaaa', '5bbb…bbbb', '5mmm…mmmm'];
const VECTOR = 'uid 0 = 65535, uid 7 = 65535';

/** What is said of the sample of each type in `runEvents`. */
const said: Readonly<Record<DomainEvent['type'], string>> = {
  'log.started.v1': `by ${own}`,
  'mode.changed.v1': 'shadow to decentralized, 19 of 20 picks alike',
  'fact.sealed.v1': `score.recorded.v1 t-2/${hotkey('m')}`,
  'scores.opened.v1': 'every sealed fact of the run can be read',
  'anchors.read.v1': '1 anchor in blocks 101 to 200',
  'checkpoint.observed.v1': `12 events of ${peer}, root cccccccc`,
  'evidence.accepted.v1': `report against ${peer}: ffffffff`,
  'run.opened.v1': '1 task, 1 miner, blocks 100, 200, 300, 400',
  'snapshot.missed.v1': 'open at block 99: unavailable, timeout',
  'snapshot.taken.v1': 'open: 1 voter, 1 miner at block 100, incumbent nobody',
  'score.recorded.v1': `t-1 ${miner}: 0.000000007 (final)`,
  'run.closed.v1': 'requested',
  'report.signed.v1': `11111111: 1 miner by ${own}`,
  'peer-report.accepted.v1': `22222222 of ${peer}`,
  'peer-report.rejected.v1': `${peer}: timeout, no answer`,
  'equivocation.recorded.v1': `${peer} signed 22222222 and 33333333`,
  'extrinsic.signed.v1': 'weights 1 SubtensorModule.set_weights eeeeeeee, for blocks 501 to 532',
  'extrinsic.included.v1': 'weights 1 eeeeeeee in block 502, not final yet',
  'extrinsic.settled.v1': 'weights 1 succeeded at block 502',
  'commitments.read.v1': '1 commitment in blocks 101 to 200',
  'commitments.missed.v1': 'by block 350: unavailable, timeout',
  'commitment-proof.read.v1': 'of block 150 aaaaaaaa',
  'owner-pick.observed.v1': `winner ${miner}, share 1.00`,
  'owner-pick.missed.v1': 'no answer',
  'inputs.gathered.v1': '0 of 0 reports at block 300',
  'decision.made.v1': `winner ${miner} (first-winner), 66.6 % reported`,
  'decision.signed.v1': `outcome 55555555 by ${own}`,
  'peer-decision.accepted.v1': `outcome 55555555 by ${peer}`,
  'peer-decision.rejected.v1': `${peer}: bad-signature, forged`,
  'certificate.built.v1': `winner ${miner} (first-winner), 66.6 % signed`,
  'certificate.missed.v1': 'by block 400, 66.6 % signed',
  'divergence.recorded.v1': `both pick ${miner}`,
  'divergence.repeated.v1': 'inputs 11111111, owner 22222222',
  'weights.intended.v1': `shadow, owner-pick: ${VECTOR} at block 500`,
  'weights.superseded.v1': 'by run-8',
  'weights.observed.v1': `attempt 1, ${VECTOR} at block 510: as intended`,
  'roster.refused.v1': '77777777: wrong-signer, somebody else',
  'roster.accepted.v1': 'aaaaaaaa: 1 member, epoch 7, tasks 88888888',
  'archive.accepted.v1': `submission-1 of ${miner}: 2048 bytes, 3 entries, from owner`,
  'archive.refused.v1': `submission-1 of ${miner}, from owner: hash-differs, other bytes`,
  'runtime.ready.v1': `submission-1 of ${miner}, attempt 1 (process)`,
  'runtime.failed.v1': `submission-1 of ${miner}, attempt 1: crashed, exit 1`,
  'runtime.ended.v1': `submission-1 of ${miner}, attempt 1`,
  'task.claimed.v1': 't-1, attempt 1',
  'task.returned.v1': 't-1, attempt 1: the judge is away',
  'reference.made.v1': 't-1: deterministic, 55555555',
  'task.invoked.v1': `t-1 ${miner}: completed in 120 ms`,
  'invocation.excused.v1': `t-1 ${miner}: attempt 1, its runtime is not ready any more`,
  'evidence.gathered.v1': `t-1 ${miner}: $0.00006, tools web_search`,
  'verdict.refused.v1': `t-1 ${miner}: refusal 1, eval: no JSON`,
  'task.judged.v1': `t-1 ${miner}: correct, 1.00`,
  'job.opened.v1': `t-1 of ${miner}: at most $30.00`,
  'tool.called.v1': `web_search ok, $0.003, for task-eval=t-1;deployment=11111111-2222-3333-4444-555555555555`,
  'cost.reserved.v1': `chutes zai-org/GLM-5.1-TEE, at most $0.008192, for task-eval=t-1;deployment=11111111-2222-3333-4444-555555555555`,
  'cost.metered.v1': `chutes zai-org/GLM-5.1-TEE ok, $0.000045, for task-eval=t-1;deployment=11111111-2222-3333-4444-555555555555`,
  'job.closed.v1': 'task-eval=t-1;deployment=11111111-2222-3333-4444-555555555555',
  'submission.received.v1': `submission-1 of ${miner}: 2048 bytes, 66666666`,
  'task-set.published.v1': '88888888: 1 task of general_chat',
  'roster.published.v1': 'aaaaaaaa: 1 member, epoch 7, tasks 88888888',
  'task.leased.v1': `t-1 to ${own}, attempt 1`,
  'lease.ended.v1': 'evaluation-1, attempt 1: returned',
  'result.received.v1': `t-1 by ${own}: 1 score`,
  'run.ended.v1': `winner ${miner} (first-run-best-score)`,
};

test.for(catalogue.map(({ type }) => type))('%s is told in one short line', (type) => {
  const samples = runEvents('run-7').filter((event) => event.type === type);
  expect(samples.map(summarize)).toEqual([said[type]]);
});

const decided = dataOf('run-7', 'decision.made.v1');
const observed = dataOf('run-7', 'weights.observed.v1');
const scored = dataOf('run-7', 'score.recorded.v1');
const compared = dataOf('run-7', 'divergence.recorded.v1');
const accepted = dataOf('run-7', 'peer-report.accepted.v1');
const settled = dataOf('run-7', 'extrinsic.settled.v1');
const read = dataOf('run-7', 'commitments.read.v1');

/** What the samples do not show. */
const others: readonly [what: string, event: DomainEvent, told: string][] = [
  [
    'a hold that names nobody, without any stake',
    {
      type: 'decision.made.v1',
      data: {
        ...decided,
        quorum: { reported: '0', total: '0', coldkeys: 0, reached: false },
        outcome: { ...decided.outcome, kind: 'hold', reason: 'chain-empty', winner: null },
      },
    },
    'hold nobody (chain-empty), no stake reported',
  ],
  [
    'weights that are not known',
    {
      type: 'weights.observed.v1',
      data: { ...observed, vector: null, matches: false, detail: 'the chain is away' },
    },
    'attempt 1, nothing at block 510: not as intended, the chain is away',
  ],
  [
    'an excused pair',
    { type: 'score.recorded.v1', data: { ...scored, status: 'excused', score: null } },
    `t-1 ${miner}: excused`,
  ],
  [
    'a failure of the miner',
    { type: 'score.recorded.v1', data: { ...scored, status: 'failed', score: 0, basis: 'none' } },
    `t-1 ${miner}: failed`,
  ],
  [
    'a pick that differs',
    {
      type: 'divergence.recorded.v1',
      data: { ...compared, ownerWinner: null, topOneAgrees: null },
    },
    `consensus ${miner}, owner nobody`,
  ],
  [
    'an attempt that the chain puts off',
    {
      type: 'extrinsic.settled.v1',
      data: {
        ...settled,
        outcome: 'refused',
        error: 'SettingWeightsTooFast',
        errorClass: 'wait',
        detail: 'last at 480',
        retryAt: 580,
      },
    },
    'weights 1 refused at block 502: SettingWeightsTooFast, last at 480, again from block 580',
  ],
  [
    'two commitments of one voter',
    {
      type: 'commitments.read.v1',
      data: {
        ...read,
        found: read.found.map((each) => ({
          ...each,
          second: { block: 195, digest: digest('8') },
        })),
      },
    },
    `1 commitment in blocks 101 to 200, two different ones of ${peer}`,
  ],
  [
    'a report that another peer relayed',
    {
      type: 'peer-report.accepted.v1',
      data: { ...accepted, digest: digest('9'), servedBy: hotkey('z') },
    },
    `99999999 of ${peer}, served by 5zzz…zzzz`,
  ],
];

test.for(others)('%s is told as what it is', ([, event, told]) => {
  expect(summarize(event)).toBe(told);
});
