import { type DecisionFacts, decide as decideRun } from '#src/consensus/decide.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Snapshot } from '#src/events/snapshot.ts';
import { milliseconds, repeat } from './measure.ts';
import { type Benchmark, plainRow } from './row.ts';
import { FAMILY, hotkeys, MINERS, scoreOf } from './workload.ts';

/** The whole decision of a full subnet, digests included. */
export const decide: Benchmark = {
  name: 'decide',
  summary: 'the decision of a full subnet',
  measure: async (quick) => {
    const facts = fullSubnet();
    if (decideRun(facts).decision.outcome.kind !== 'winner') throw new Error('nobody won');
    const value = await repeat(
      () => milliseconds(() => decideRun(facts)),
      quick ? { warmUps: 0, rounds: 2 } : { warmUps: 20, rounds: 201 },
    );
    const what = `decide, ${VOTERS.length} validators × ${MINERS.length} miners`;
    return [plainRow({ name: 'decide', what, unit: 'ms' }, value)];
  },
};

/** As many as the runtime allows on a subnet. */
const VOTERS = hotkeys('validator', 128);

const hash = (digit: string): string => digit.repeat(64);

function fullSubnet(): DecisionFacts {
  const open = snapshotAt(100);
  const current = snapshotAt(300);
  return {
    rules: {
      version: 'swm/1',
      quorum: { num: 2, den: 3 },
      minerQuorum: { num: 1, den: 2 },
      minColdkeys: 3,
      margin: 50_000_000,
      familyShare: 500_000_000,
      minVectorLength: 8,
      certificateQuorum: { num: 2, den: 3 },
      requireCommitment: false,
    },
    genesis: hash('a'),
    netuid: 36,
    family: FAMILY,
    run: 'run-7',
    roster: hash('b'),
    miners: MINERS,
    phases: { snapshot: 100, commit: 200, decide: 300, certify: 400 },
    open: { known: true, snapshot: open },
    current: { known: true, snapshot: current },
    commitments: { known: true, found: [] },
    self: null,
    excluded: [],
    reports: VOTERS.map((hotkey, voter) => ({
      hotkey,
      status: 'accepted',
      reason: null,
      digest: sha256(hotkey),
      scoreDigest: sha256(hotkey),
      scores: Object.fromEntries(
        MINERS.map((miner, index) => [miner, scoreOf(voter * MINERS.length + index)]),
      ),
    })),
  };
}

function snapshotAt(block: number): Snapshot {
  return {
    block,
    blockHash: hash('c'),
    rowCount: VOTERS.length + MINERS.length,
    voters: VOTERS.map((hotkey, uid) => ({
      hotkey,
      coldkey: hotkey,
      uid,
      stake: String(BigInt(scoreOf(uid)) * 1_000_000n + 1n),
      axon: null,
    })),
    miners: MINERS.map((hotkey, index) => ({
      hotkey,
      uid: VOTERS.length + index,
      registeredAt: index,
    })),
    incumbent: null,
  };
}
