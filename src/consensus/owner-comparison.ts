import type { DomainEvent } from '../events/catalogue.ts';
import type { DecisionRecord } from '../events/decision.ts';
import { rankCorrelation, topKOverlap, topOneAgreement } from './rank-agreement.ts';

/** How many of the best miners are compared as a set. */
const TOP_K = 3;

type OwnerPick = Extract<DomainEvent, { type: 'owner-pick.observed.v1' }>['data'];

/** Compares a decision with the owner's pick for the same run; only figures that both sides name are compared. */
export function compareWithOwner(decision: DecisionRecord, pick: OwnerPick): DomainEvent {
  const consensus = decision.medians.flatMap(({ miner, median }) =>
    median === null ? [] : [{ miner, score: median }],
  );
  const owner = pick.scores.map(({ miner, weight }) => ({ miner, score: weight }));
  const consensusWinner = decision.outcome.winner?.hotkey ?? null;
  return {
    type: 'divergence.recorded.v1',
    data: {
      family: decision.family,
      run: decision.run,
      consensusWinner,
      ownerWinner: pick.winner,
      topOneAgrees: topOneAgreement(consensusWinner, pick.winner),
      rank: rankCorrelation(consensus, owner),
      overlap: topKOverlap(consensus, owner, TOP_K),
      inputs: decision.inputs,
      owner: pick.evidence,
    },
  };
}
