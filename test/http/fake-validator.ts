import { STATEMENT_TYPE } from '#src/events/decision.ts';
import { encodeBytes, type Json } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { REPORT_TYPE } from '#src/events/report.ts';
import type { AppDeps } from '#src/http/app.ts';
import type { Sealed, Unknown } from '#src/http/availability.ts';
import type { RunCertificate } from '#src/http/get-certificate.ts';
import type { RunDecision } from '#src/http/get-decision.ts';
import { createMetrics } from '#src/http/metrics.ts';
import { fakeLog } from './fake-log.ts';

export const FAMILY = 'general_chat';
export const GENESIS = 'ab'.repeat(32);
export const SOURCE = 'eirel.network/log/v1/abababab/36';
export const alice = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
export const bob = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
export const charlie = '5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y';

/** A held report as its wire document, with the digest of its body. */
export type Held = Readonly<{ hotkey: string; digest: string; bytes: Uint8Array }>;

/** What the fake validator, whose hotkey is Alice's, holds of one run. */
export type FakeRun = Readonly<{
  sealedUntil: number | null;
  reports: readonly Held[];
  decision: RunDecision | null;
  certificate: RunCertificate;
}>;

export const emptyRun: FakeRun = {
  sealedUntil: null,
  reports: [],
  decision: null,
  certificate: { kind: 'pending', certifyBlock: 400 },
};

/** An evidence file of the right outline, with its digest. */
export const evidence = evidenceFile('two reports');

/** The published log of the fake validator: one whole tile, and one event more. */
const published = fakeLog([257]);

/** A validator that holds `runs` (by `family/run`) and `log`, in memory. `overrides` replace single functions. */
export function fakeValidator(
  runs: Readonly<Record<string, FakeRun>> = {},
  overrides: Partial<AppDeps> = {},
): AppDeps {
  const log = Array.from({ length: 25 }, (_, n) => encodeBytes({ n, text: 'a\nb' }));
  const withRun = <T>(
    family: string,
    run: string,
    read: (held: FakeRun) => T,
  ): T | Sealed | Unknown => {
    const held = runs[`${family}/${run}`];
    if (held === undefined) return { kind: 'unknown' };
    if (held.sealedUntil !== null) return { kind: 'sealed', untilBlock: held.sealedUntil };
    return read(held);
  };
  return {
    defaultFamily: FAMILY,
    logSource: SOURCE,
    rosters: null,
    signedReport: async (family, run) =>
      withRun(family, run, ({ reports }) => {
        const own = reports.find(({ hotkey }) => hotkey === alice);
        return own === undefined ? { kind: 'unknown' } : { kind: 'ready', bytes: own.bytes };
      }),
    reports: async (family, run) =>
      withRun(family, run, ({ reports }) => ({
        kind: 'ready',
        reports: reports.map(({ bytes }) => bytes),
      })),
    reportIndex: async (family, run) =>
      withRun(family, run, ({ reports }) => ({ kind: 'ready', reports })),
    reportByDigest: async (family, run, digest) =>
      withRun(family, run, ({ reports }) => {
        const found = reports.find((report) => report.digest === digest);
        return { kind: 'ready', bytes: found?.bytes ?? null };
      }),
    decision: async (family, run) => runs[`${family}/${run}`]?.decision ?? null,
    certificate: async (family, run) =>
      runs[`${family}/${run}`]?.certificate ?? { kind: 'unknown' },
    divergence: async (family, window) => (family === FAMILY ? signedDivergence(window) : null),
    events: async (from, limit) => ({
      payloads: log.slice(from, from + limit),
      size: log.length,
    }),
    publishedLog: published,
    logDescription: async () => ({
      v: 'eirel-log/1',
      origin: SOURCE,
      genesis: GENESIS,
      netuid: 36,
      hotkey: alice,
      keys: {
        log: `${SOURCE}+00000000+AQ==`,
        hotkey: `${SOURCE}+00000000+/w==`,
        witness: 'w+0+BA==',
      },
      generations: [{ source: SOURCE, previous: null }],
      policy: 'quorum none\n',
      mirrors: [],
    }),
    bundle: async (family, run) =>
      withRun(family, run, () => ({ kind: 'ready', bytes: Buffer.from(`{"run":"${run}"}`) })),
    witnessedCheckpoint: async (originHash) =>
      originHash === sha256(SOURCE) ? Buffer.from('a note\n') : null,
    addCheckpoint: async () => ({ kind: 'cosigned', lines: '— witness AAAAAAA=\n' }),
    evidenceIndex: async () => [{ digest: evidence.digest, hotkey: bob, kind: 'report' }],
    evidence: async (digest) => (digest === evidence.digest ? evidence.bytes : null),
    offerEvidence: async (file) => ({
      kind: sha256(file) === evidence.digest ? 'known' : 'accepted',
      digest: sha256(file),
    }),
    auditPage: async (file) => Buffer.from(`the file ${file}`),
    status: async () => ({
      hotkey: alice,
      netuid: 36,
      genesis: GENESIS,
      mode: 'shadow',
      log: { source: SOURCE, size: log.length },
      finalizedBlock: null,
      settledBlock: null,
      runs: [
        {
          family: FAMILY,
          run: 'run-7',
          phase: 'exchange',
          phases: { snapshot: 100, commit: 200, decide: 300, certify: 400 },
        },
      ],
      evaluation: null,
    }),
    readiness: async () => [{ name: 'log', ok: true, detail: 'head at 25' }],
    metrics: createMetrics(),
    log: () => undefined,
    ...overrides,
  };
}

/** A report of a run as it travels; the signature is of the right shape only. */
export function reportOf(hotkey: string, run = 'run-7', scores: Json = {}): Held {
  const body = encodeBytes({ family: FAMILY, hotkey, run, scores });
  const text = new TextDecoder().decode(body);
  return { hotkey, digest: sha256(body), bytes: wire(hotkey, text, REPORT_TYPE) };
}

/** An evidence file that proves nothing, of the right form. */
export function evidenceFile(explain: string): Readonly<{ digest: string; bytes: Uint8Array }> {
  const bytes = encodeBytes({
    explain,
    format: 'eirel-evidence/1',
    kind: 'report',
    statements: [],
  });
  return { digest: sha256(bytes), bytes };
}

/** A signed decision as it travels. */
export function statementOf(hotkey: string): Uint8Array {
  return wire(hotkey, `{"hotkey":"${hotkey}"}`, STATEMENT_TYPE);
}

function signedDivergence(window: number): Uint8Array {
  return wire(alice, `{"window":${window}}`, 'application/vnd.eirel.divergence.v1+json');
}

function wire(hotkey: string, body: string, type: string): Uint8Array {
  return encodeBytes({ alg: 'sr25519', body, hotkey, signature: 'cd'.repeat(64), type });
}
