import { digestOf } from '#src/consensus/outcome.ts';
import type { SignedDocument } from '#src/consensus/signed.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { DecisionRecord, InputsRecord } from '#src/events/decision.ts';
import { runOf } from '#src/events/define-event.ts';
import type { Crowd } from './crowd.ts';
import { type CrowdRun, type CrowdSubnet, crowdRun, measured, REAL } from './crowd-subnet.ts';
import { type LiveLog, readLog } from './live-log.ts';
import { until } from './live-until.ts';

/** Milliseconds from the moment that a block is produced, and final, until something stands in the log. */
export type CrowdFigures = Readonly<{
  /** The voters read at the snapshot block. */
  snapshot: number;
  /** The voters' commitments, once the commit block has passed. */
  commitments: number;
  /** The last of the crowd's reports, after those. */
  reports: number;
  /** The decision, after the decide block: until it is served. */
  decision: number;
  /** The certificate, from the block at which the crowd has signed. */
  certificate: number;
}>;

/** What a run left with the real validator. */
export type Played = Readonly<{
  run: CrowdRun;
  figures: CrowdFigures;
  log: LiveLog;
  /** The crowd's. */
  reports: readonly SignedDocument[];
}>;

/** Plays a run from its opening to its certificate, block by block, each one settled before the next. */
export async function playCrowdRun(
  subnet: CrowdSubnet,
  crowd: Crowd,
  sequence: number,
): Promise<Played> {
  const { chain } = subnet;
  const run = crowdRun(sequence, chain.block());
  const name = { family: run.family, run: run.run };
  await subnet.command(REAL, 'runs.open', JSON.stringify(run));
  await subnet.command(REAL, 'scores.import', measured(run));
  await subnet.command(REAL, 'runs.close', JSON.stringify(name));
  const reports = crowd.report(run, chain.genesisHash);

  /** When each block was made. */
  const made = new Map<number, number>();
  const nextBlock = async (): Promise<void> => {
    made.set(chain.block() + 1, Date.now());
    await chain.nextBlock();
  };
  const playTo = async (block: number): Promise<void> => {
    while (chain.block() < block) {
      await nextBlock();
      await subnet.settled();
    }
  };
  await playTo(run.phases.snapshot);
  await crowd.commit(reports, run, chain);
  await playTo(run.phases.commit);
  crowd.open(reports, run);
  await playTo(run.phases.decide - 1);
  await nextBlock();
  const { decision } = await until('the decision', () => decisionOf(subnet, run));
  const decided = Date.now();
  await subnet.settled();
  crowd.agree(
    { outcome: digestOf(decision.outcome), inputs: decision.inputs },
    run,
    chain.genesisHash,
  );
  await playTo(run.phases.certify);

  const log = await readLog(subnet.nats, REAL);
  const madeAt = (block: number): number => made.get(block) ?? Number.NaN;
  const timesOf = (type: DomainEvent['type']): readonly number[] =>
    log.events
      .filter(({ event }) => event.type === type && runOf(event.data)?.run === run.run)
      .map(({ time }) => Date.parse(time));
  const { snapshot, commit, decide } = run.phases;
  return {
    run,
    log,
    reports: reports.map(({ document }) => document),
    figures: {
      snapshot: Math.min(...timesOf('snapshot.taken.v1')) - madeAt(snapshot),
      commitments: Math.max(...timesOf('commitments.read.v1')) - madeAt(commit + 1),
      reports: Math.max(...timesOf('peer-report.accepted.v1')) - madeAt(commit + 1),
      decision: decided - madeAt(decide),
      certificate: Math.max(...timesOf('certificate.built.v1')) - madeAt(decide + 1),
    },
  };
}

/** The real validator's decision as it serves it; undefined before it is made. */
async function decisionOf(
  subnet: CrowdSubnet,
  { run, family }: CrowdRun,
): Promise<Readonly<{ decision: DecisionRecord; inputs: InputsRecord }> | undefined> {
  const answer = await subnet.get(REAL, `/v1/consensus/decisions/${run}?family=${family}`);
  if (!answer.ok) return undefined;
  // safe: our own program answers
  const served = (await answer.json()) as {
    decision: DecisionRecord | null;
    inputs: InputsRecord | null;
  };
  const { decision, inputs } = served;
  return decision === null || inputs === null ? undefined : { decision, inputs };
}
