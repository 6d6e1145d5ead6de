import { mergeCommitments } from '../consensus/commitment-facts.ts';
import type { Verify } from '../consensus/keys.ts';
import { acceptedEvidence, anchorsIn, lastObserved, observedIn } from '../projectors/evidence.ts';
import { heldReports } from '../projectors/reports.ts';
import type { WitnessState } from '../sequencer/witness.ts';
import { type Fetch, peersOf } from './ask-peers.ts';
import type { EvidenceDesk } from './evidence-desk.ts';
import { pullEvidence } from './exchange-evidence.ts';
import { reportExchangeOf } from './exchange-inputs.ts';
import { exchangeReports } from './exchange-reports.ts';
import { findingsIn } from './find-misdeeds.ts';
import { observeCheckpoints } from './observe-checkpoints.ts';
import type { Identity } from './perform-step.ts';
import type { Finding } from './produce-evidence.ts';
import { type Recorder, recordInBatches } from './recorder.ts';
import type { Projections, RunView } from './run-view.ts';

export type ExchangeDeps = Readonly<{
  signer: Readonly<{ hotkey: string }>;
  projections: Projections;
  fetch: Fetch;
  verify: Verify;
  /** What was cosigned of others' logs. */
  witnessState: Pick<WitnessState, 'read'>;
  desk: Pick<EvidenceDesk, 'accept' | 'accuse'>;
  record: Recorder;
  signal: AbortSignal;
}>;

/** Findings of one round that are followed up: each may ask the chain, and a piece of a kind is enough. */
const MAX_FINDINGS = 32;

/**
 * One round of exchange with the peers: reports, what their logs look like, and evidence. Whatever shows
 * that somebody misbehaved becomes evidence, if it can be proved. Gives what looks wrong, for operators.
 */
export async function exchangeWithPeers(
  view: RunView,
  identity: Identity,
  deps: ExchangeDeps,
): Promise<string | null> {
  const { family, run } = view.run;
  const { projections, signer, desk } = deps;
  const { evidence } = projections;
  const voters = view.open?.voters ?? [];
  const peers = peersOf(voters, signer.hotkey);
  const reports = await reportExchangeOf(view, identity, {
    self: signer.hotkey,
    queries: projections.reports,
  });
  const seen = new Set((await observedIn(evidence, family, run)).map(({ hotkey }) => hotkey));
  const anchors = await anchorsIn(evidence, family, run);
  const pull = {
    peers,
    voters: new Set(voters.map(({ hotkey }) => hotkey)),
    held: await acceptedEvidence(evidence),
  };
  const { genesis, netuid } = identity;
  const look = { genesis, netuid, family, run, peers, seen, anchors };
  const [observations, files] = await Promise.all([
    observeCheckpoints(look, { ...deps, remembered: (source) => rememberedOf(source, deps) }),
    pullEvidence(pull, deps),
    exchangeReports(reports, deps),
  ]);
  await recordInBatches(observations.events, deps.record);
  for (const file of files) await desk.accept(file);
  const findings = [...(await ownFindings(view, deps)), ...observations.findings];
  for (const finding of findings.slice(0, MAX_FINDINGS)) await desk.accuse(finding);
  return observations.suspicions.length === 0 ? null : observations.suspicions.join('; ');
}

/** The notes that were kept of a log: the last observed, and the last cosigned. */
async function rememberedOf(
  source: string,
  { projections, witnessState }: Pick<ExchangeDeps, 'projections' | 'witnessState'>,
): Promise<readonly string[]> {
  const observed = await lastObserved(projections.evidence, source);
  const witnessed = await witnessState.read(source);
  return [observed, witnessed].flatMap((each) => (each === null ? [] : [each.note]));
}

/** What this validator's own log holds against others. */
async function ownFindings(
  { run: { family, run }, reads }: RunView,
  { projections: { reports, evidence }, signer }: ExchangeDeps,
): Promise<readonly Finding[]> {
  return findingsIn({
    run,
    self: signer.hotkey,
    held: await heldReports(reports, family, run),
    committed: mergeCommitments(reads),
    anchors: await anchorsIn(evidence, family, run),
    accepted: await acceptedEvidence(evidence),
  });
}
