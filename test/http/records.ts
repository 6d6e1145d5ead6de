import type { Certificate, DecisionRecord, InputsRecord, Outcome } from '#src/events/decision.ts';
import { alice, bob, charlie, FAMILY, GENESIS } from './fake-validator.ts';

const place = { family: FAMILY, run: 'run-7' };
const hash = (digit: string): string => digit.repeat(64);
const open = { known: true, block: 100, blockHash: hash('1'), digest: hash('2') } as const;
const winner = { hotkey: charlie, uid: 3, registeredAt: 42 };

const outcome: Outcome = {
  ...place,
  v: 'eirel/outcome/1',
  rules: 'swm/1',
  genesis: GENESIS,
  netuid: 36,
  roster: hash('3'),
  open,
  kind: 'winner',
  reason: 'first-winner',
  winner,
  vector: [
    { uid: 0, weight: 65_535 },
    { uid: 3, weight: 65_535 },
  ],
  targetBlock: 450,
};

export const inputsRecord: InputsRecord = {
  ...place,
  rules: {
    version: 'swm/1',
    quorum: { num: 2, den: 3 },
    minerQuorum: { num: 1, den: 2 },
    minColdkeys: 3,
    margin: 50_000_000,
    familyShare: 500_000_000,
    minVectorLength: 1,
    certificateQuorum: { num: 2, den: 3 },
    requireCommitment: false,
  },
  genesis: GENESIS,
  netuid: 36,
  roster: hash('3'),
  decideBlock: 300,
  open,
  current: { known: false, reason: 'unavailable' },
  commitments: null,
  reports: [
    { hotkey: bob, stake: '1000', status: 'missing', reason: null, digest: null },
    { hotkey: alice, stake: '2000', status: 'accepted', reason: null, digest: hash('4') },
  ],
};

export const decisionRecord: DecisionRecord = {
  ...place,
  inputs: hash('5'),
  quorum: { reported: '2000', total: '3000', coldkeys: 3, reached: true },
  medians: [{ miner: charlie, uid: 3, median: 900_000_000, stake: '2000', status: 'eligible' }],
  incumbent: null,
  outcome,
};

export const certificate: Certificate = {
  v: 'eirel/certificate/1',
  outcome,
  signatures: [{ hotkey: alice, inputs: hash('5'), signature: 'cd'.repeat(64) }],
};
