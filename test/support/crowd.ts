import { devSigner, NETUID } from '#src/cli/subnet/cast.ts';
import type { Signer } from '#src/consensus/keys.ts';
import { buildReport } from '#src/consensus/report.ts';
import { encodeDocument, signDocument } from '#src/consensus/signed.ts';
import { buildStatement } from '#src/consensus/statement.ts';
import { STATEMENT_TYPE } from '#src/events/decision.ts';
import { encode } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { REPORT_TYPE } from '#src/events/report.ts';
import { type Authored, commitAll } from './crowd-commit.ts';
import { type CrowdRun, hotkey, MINERS, seenBy } from './crowd-subnet.ts';
import { serveHttp } from './hostile-servers.ts';
import type { LiveChain } from './live-chain.ts';

/** The digests of a decision that somebody signs. */
type Decided = Readonly<{ outcome: string; inputs: string }>;

/**
 * Honest validators without a process: each has its own key and its own axon, commits on chain to its
 * report by an extrinsic of its own, and serves what all of them hold, as after a round among themselves.
 */
export async function openCrowd(names: readonly string[]) {
  await using opened = new AsyncDisposableStack();
  const members = names.map((name) => ({ name, signer: devSigner(name) }));
  const axons = new Map<string, string>();
  /** What is served, by path: of everybody, or of one hotkey alone. */
  const pages = new Map<string, string | Uint8Array>();
  for (const { name, signer } of members) {
    const server = await serveHttp(({ url = '' }, response) => {
      const page = pages.get(url) ?? pages.get(`${signer.hotkey} ${url}`);
      response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(page ?? '');
    });
    opened.use(server);
    axons.set(name, server.url.replace(/\/$/, ''));
  }
  const kept = opened.move();
  return {
    axons,
    /** Everybody's report of a run. */
    report: (run: CrowdRun, genesis: string): readonly Authored[] =>
      members.map((member) => reportOf(member, run, genesis)),
    commit: (reports: readonly Authored[], { run }: CrowdRun, chain: LiveChain): Promise<void> =>
      commitAll(reports, run, chain),
    /** Serves the reports from now on. */
    open: (reports: readonly Authored[], { run, family }: CrowdRun): void => {
      const held = `/v1/consensus/reports/${run}?family=${family}`;
      const entries = reports.map(({ document: { body, hotkey } }) => ({
        digest: sha256(body),
        hotkey,
      }));
      pages.set(`${held}&view=index`, encode({ family, run, reports: entries }));
      for (const { document } of reports) {
        const bytes = encodeDocument(document);
        pages.set(`${held}&digest=${sha256(document.body)}`, bytes);
        pages.set(`${document.hotkey} /v1/consensus/scores/${run}?family=${family}`, bytes);
      }
    },
    /** Signs a decision and serves that from now on: honest validators decide alike. */
    agree: ({ outcome, inputs }: Decided, { run, family }: CrowdRun, genesis: string): void => {
      const statements = members.map(({ signer }) => {
        const place = { genesis, netuid: NETUID, family, run, hotkey: signer.hotkey };
        return signDocument(STATEMENT_TYPE, buildStatement({ ...place, outcome, inputs }), signer);
      });
      pages.set(`/v1/consensus/decisions/${run}?family=${family}`, encode({ statements }));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

export type Crowd = Awaited<ReturnType<typeof openCrowd>>;

function reportOf(
  { name, signer }: Readonly<{ name: string; signer: Signer }>,
  { family, run, roster, phases }: CrowdRun,
  genesis: string,
): Authored {
  const scores = MINERS.map((miner) => [hotkey(miner), seenBy(name, miner, { run })]);
  const body = buildReport({
    genesis,
    netuid: NETUID,
    family,
    run,
    roster,
    snapshotBlock: phases.snapshot,
    hotkey: signer.hotkey,
    scores: Object.fromEntries(scores),
  });
  return { signer, document: signDocument(REPORT_TYPE, body, signer) };
}
