import { mergeCommitments } from '../consensus/commitment-facts.ts';
import type { Signer } from '../consensus/keys.ts';
import { encodeDocument, signDocument } from '../consensus/signed.ts';
import { STATEMENT_TYPE } from '../events/decision.ts';
import { DIVERGENCE_TYPE } from '../events/divergence.ts';
import { encode, encodeBytes } from '../events/ej1.ts';
import type { LogReader } from '../events/log.ts';
import { REPORT_TYPE } from '../events/report.ts';
import * as decisions from '../projectors/decisions.ts';
import { divergenceSummary } from '../projectors/divergence.ts';
import * as reports from '../projectors/reports.ts';
import { findRun, listRuns, type Run } from '../projectors/run-state.ts';
import type { Projections } from './run-view.ts';

/** Runs that `/v1/status` lists. */
const RECENT_RUNS = 64;

type Withheld =
  | { readonly kind: 'sealed'; readonly untilBlock: number }
  | { readonly kind: 'unknown' };

export type PublishDeps = Readonly<{
  projections: Projections;
  /** The newest finalised block; null while the chain has not answered. */
  finalizedBlock: () => number | null;
  log: Pick<LogReader, 'head'>;
  /** Stored payloads from an index, within both limits. */
  payloads: (from: number, limit: number, maxBytes: number) => Promise<readonly Uint8Array[]>;
  signer: Signer;
}>;

/**
 * What this validator shows to others. Scores are withheld until the commit block is finalised, and the log
 * holds them sealed: commit first, open after, so that nobody can copy.
 */
export function createPublisher(deps: PublishDeps) {
  return { ...reportViews(deps), ...decisionViews(deps), ...logViews(deps) };
}

function reportViews({ projections, finalizedBlock }: PublishDeps) {
  const queries = projections.reports;
  const whenOpen = async <T>(
    family: string,
    run: string,
    read: () => Promise<T>,
  ): Promise<Readonly<{ kind: 'ready'; value: T }> | Withheld> => {
    const found = await findRun(projections.runState, family, run);
    if (found === null) return { kind: 'unknown' };
    if (isSealed(found, finalizedBlock()))
      return { kind: 'sealed', untilBlock: found.phases.commit + 1 };
    return { kind: 'ready', value: await read() };
  };
  return {
    signedReport: async (family: string, run: string) => {
      const answer = await whenOpen(family, run, () => reports.ownReport(queries, family, run));
      if (answer.kind !== 'ready') return answer;
      if (answer.value === null) return { kind: 'unknown' as const };
      return { kind: 'ready' as const, bytes: wire(REPORT_TYPE, answer.value) };
    },
    reports: async (family: string, run: string) => {
      const answer = await whenOpen(family, run, () => reports.heldReports(queries, family, run));
      if (answer.kind !== 'ready') return answer;
      return {
        kind: 'ready' as const,
        reports: answer.value.map((report) => wire(REPORT_TYPE, report)),
      };
    },
    reportIndex: async (family: string, run: string) => {
      const answer = await whenOpen(family, run, () => reports.reportIndex(queries, family, run));
      if (answer.kind !== 'ready') return answer;
      return {
        kind: 'ready' as const,
        reports: answer.value.map(({ digest, hotkey }) => ({ digest, hotkey })),
      };
    },
    reportByDigest: async (family: string, run: string, digest: string) => {
      const answer = await whenOpen(family, run, () =>
        reports.reportByDigest(queries, family, run, digest),
      );
      if (answer.kind !== 'ready') return answer;
      return {
        kind: 'ready' as const,
        bytes: answer.value === null ? null : wire(REPORT_TYPE, answer.value),
      };
    },
  };
}

function decisionViews({ projections, signer }: PublishDeps) {
  const queries = projections.decisions;
  return {
    decision: async (family: string, run: string) => {
      const decision = await decisions.decisionOf(queries, family, run);
      const statements = await decisions.statementsOf(queries, family, run);
      if (decision === null && statements.length === 0) return null;
      const inputs = await decisions.inputsOf(queries, family, run);
      const reads = await reports.commitmentReads(projections.reports, family, run);
      return {
        commitments: reads.length === 0 ? null : mergeCommitments(reads),
        decision,
        inputs,
        statements: statements.map((statement) => wire(STATEMENT_TYPE, statement)),
      };
    },
    certificate: async (family: string, run: string) => {
      const found = await findRun(projections.runState, family, run);
      if (found === null) return { kind: 'unknown' as const };
      const built = await decisions.certificateOf(queries, family, run);
      if (built !== null) return { kind: 'ready' as const, bytes: encodeBytes(built.certificate) };
      const missed = await decisions.certificateMissed(queries, family, run);
      if (missed !== null) return { kind: 'missed' as const, block: missed.block };
      return { kind: 'pending' as const, certifyBlock: found.phases.certify };
    },
    divergence: signedSummaries(projections, signer),
  };
}

function logViews({ projections, finalizedBlock, log, payloads }: PublishDeps) {
  return {
    events: async (from: number, limit: number, maxBytes: number) => {
      const { size } = await log.head();
      const page = from < size ? await payloads(from, Math.min(limit, size - from), maxBytes) : [];
      return { payloads: page, size };
    },
    recentRuns: async () => {
      const block = finalizedBlock();
      const recent = await listRuns(projections.runState, { limit: RECENT_RUNS });
      return recent.map(({ family, run, phases }) => ({
        family,
        run,
        phases,
        phase: phaseAt(phases, block),
      }));
    },
  };
}

/** A run's scores are sealed until a block after its commit block is finalised; without a block they are. */
function isSealed({ phases }: Pick<Run, 'phases'>, block: number | null): boolean {
  return block === null || block <= phases.commit;
}

/** Signs a summary once for each content: signing is slow, and anybody may ask. */
function signedSummaries(projections: Projections, signer: Signer) {
  const SUMMARIES = 32; // windows that are kept signed; a client that asks for many only makes us sign again
  const signed = new Map<string, { body: string; bytes: Uint8Array }>();
  return async (family: string, window: number): Promise<Uint8Array | null> => {
    const summary = await divergenceSummary(projections.divergence, family, window);
    if (summary.recorded === 0) return null;
    const body = encode({ v: 'eirel/divergence/1', family, hotkey: signer.hotkey, ...summary });
    const key = `${family}/${window}`;
    const known = signed.get(key);
    if (known?.body === body) return known.bytes;
    const bytes = encodeDocument(signDocument(DIVERGENCE_TYPE, body, signer));
    if (signed.size >= SUMMARIES) signed.clear();
    signed.set(key, { body, bytes });
    return bytes;
  };
}

function wire(
  type: string,
  { hotkey, body, signature }: Readonly<{ hotkey: string; body: string; signature: string }>,
): Uint8Array {
  return encodeDocument({ alg: 'sr25519', body, hotkey, signature, type });
}

function phaseAt(
  { snapshot, commit, decide, certify }: Run['phases'],
  block: number | null,
): string {
  if (block === null) return 'unknown';
  if (block < snapshot) return 'scheduled';
  if (block <= commit) return 'commit';
  if (block < decide) return 'exchange';
  return block < certify ? 'certify' : 'settled';
}
