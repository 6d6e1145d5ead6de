import { z } from 'zod';
import { checkReport, type ReportExpectation } from '../consensus/report.ts';
import { MAX_DOCUMENT_BYTES } from '../consensus/signed.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { Hex32, Ss58 } from '../events/scalars.ts';
import { MAX_VALIDATORS, type Voter } from '../events/snapshot.ts';
import {
  type AskDeps,
  type AskEachDeps,
  type Asked,
  askEach,
  askPeer,
  faulty,
  type Peer,
  peersOf,
  readAnswer,
  together,
  withoutBody,
} from './ask-peers.ts';
import { type Misdeed, newMisdeeds } from './misdeeds.ts';
import { type Recorder, recordInBatches } from './recorder.ts';

/** Two reports for each validator (the second is evidence), 130 bytes each. */
const MAX_INDEX_ENTRIES = 2 * MAX_VALIDATORS;
const MAX_INDEX_BYTES = MAX_INDEX_ENTRIES * 160;

const Index = z.strictObject({
  family: z.string(),
  run: z.string(),
  reports: z.array(z.strictObject({ digest: Hex32, hotkey: Ss58 })).max(MAX_INDEX_ENTRIES),
});

/** A peer that did so many wrong things in a run is not asked again in it: each is an event in our log for ever. */
const MAX_MISDEEDS = 16;

type HeldReport = Readonly<{ hotkey: string; digest: string }>;

export type ReportExchange = Readonly<{
  /** This validator's hotkey. */
  self: string;
  expected: ReportExpectation;
  voters: readonly Voter[];
  held: readonly HeldReport[];
  /** Hotkeys whose second report is recorded already. */
  equivocators: readonly string[];
  /** Misdeeds recorded already, by `misdeedKey`. */
  known: ReadonlySet<string>;
}>;

type Received = Readonly<{
  servedBy: string;
  hotkey: string;
  body: string;
  signature: string;
  digest: string;
}>;

/**
 * One round of exchange: each peer is asked for its own report, and for every report that it holds and
 * we do not, so that serving different peers different things does not partition them. A second valid
 * report of one hotkey is evidence of equivocation.
 */
export async function exchangeReports(
  exchange: ReportExchange,
  deps: AskDeps & AskEachDeps & { record: Recorder },
): Promise<void> {
  const misdeeds = (peer: Peer): number =>
    [...exchange.known].filter((key) => key.startsWith(`${peer.hotkey}/`)).length;
  const peers = peersOf(exchange.voters, exchange.self).filter(
    (peer) => misdeeds(peer) < MAX_MISDEEDS,
  );
  const have = new Set(exchange.held.map(reportKey));
  const asked = await askEach(
    peers,
    (peer, signal) => askForReports(peer, exchange, have, { ...deps, signal }),
    deps,
  );
  const { items, misdeeds: faults } = together(asked);
  await recordInBatches(decideReceived(exchange, items, faults), deps.record);
}

/** What a round of answers adds to the log; pure, and the same whatever order the peers answered in. */
export function decideReceived(
  exchange: ReportExchange,
  received: readonly Received[],
  misdeeds: readonly Misdeed[],
): readonly DomainEvent[] {
  const { family, run } = exchange.expected;
  const first = new Map(exchange.held.map(({ hotkey, digest }) => [hotkey, digest]));
  const equivocators = new Set(exchange.equivocators);
  const events: DomainEvent[] = [];
  const ordered = received.toSorted(
    (a, b) =>
      compare(a.hotkey, b.hotkey) || compare(a.digest, b.digest) || compare(a.servedBy, b.servedBy),
  );
  for (const report of ordered) {
    const digest = first.get(report.hotkey);
    if (digest === undefined) {
      first.set(report.hotkey, report.digest);
      events.push({ type: 'peer-report.accepted.v1', data: { family, run, ...report } });
    } else if (digest !== report.digest && !equivocators.has(report.hotkey)) {
      equivocators.add(report.hotkey);
      events.push({
        type: 'equivocation.recorded.v1',
        data: { family, run, ...report, firstDigest: digest },
      });
    }
  }
  for (const fault of newMisdeeds(misdeeds, exchange.known)) {
    events.push({ type: 'peer-report.rejected.v1', data: { family, run, ...fault } });
  }
  return events;
}

/** The reports that are held or that any peer gave in this round, checked: nobody is asked for those again. */
type Have = Set<string>;

/** With its author, so that an index which names a report as another's is found out. */
function reportKey({ hotkey, digest }: HeldReport): string {
  return `${hotkey}/${digest}`;
}

async function askForReports(
  peer: Peer,
  exchange: ReportExchange,
  have: Have,
  deps: AskDeps,
): Promise<Asked<Received>> {
  const { family, run } = exchange.expected;
  const own = exchange.held.some(({ hotkey }) => hotkey === peer.hotkey)
    ? nothing
    : await askForReport(
        peer,
        `/v1/consensus/scores/${run}?family=${family}`,
        peer.hotkey,
        exchange,
        deps,
      );
  for (const report of own.items) have.add(reportKey(report));
  return together([own, await askForRelayed(peer, exchange, have, deps)]);
}

const nothing: Asked<Received> = { items: [], misdeeds: [] };

async function askForReport(
  peer: Peer,
  path: string,
  hotkey: string | null,
  exchange: ReportExchange,
  deps: AskDeps,
): Promise<Asked<Received>> {
  const answer = await askPeer(peer, path, { ...deps, maxBytes: MAX_DOCUMENT_BYTES });
  if (answer.kind !== 'body') return withoutBody(answer);
  const checked = checkReport(answer.body, { ...exchange.expected, hotkey }, deps.verify);
  if (checked.kind === 'rejected') {
    return faulty(peer.hotkey, checked.reason, checked.detail, checked.digest);
  }
  const { hotkey: author, body, signature, digest } = checked;
  const received = { servedBy: peer.hotkey, hotkey: author, body, signature, digest };
  return { items: [received], misdeeds: [] };
}

/** Fetches what this peer holds of others and we do not, at most one report and one contradiction for each voter. */
async function askForRelayed(
  peer: Peer,
  exchange: ReportExchange,
  have: Have,
  deps: AskDeps,
): Promise<Asked<Received>> {
  const { family, run } = exchange.expected;
  const path = `/v1/consensus/reports/${run}?family=${family}`;
  const answer = await askPeer(peer, `${path}&view=index`, { ...deps, maxBytes: MAX_INDEX_BYTES });
  if (answer.kind !== 'body') return withoutBody(answer);
  const index = readAnswer(peer, answer.body, (json) => Index.safeParse(json).data ?? null);
  if (index.kind === 'misdeed') return withoutBody(index);

  const voters = new Set(exchange.voters.map(({ hotkey }) => hotkey));
  const settled = new Set(exchange.equivocators);
  const wanted = index.value.reports.filter(
    (report) =>
      voters.has(report.hotkey) && !settled.has(report.hotkey) && !have.has(reportKey(report)),
  );
  const asked: Asked<Received>[] = [];
  for (const entry of startingAt(peer.hotkey, twoForEach(wanted))) {
    const { digest, hotkey } = entry;
    // Another peer may have given it meanwhile.
    if (have.has(reportKey(entry))) continue;
    if (asked.filter(({ misdeeds }) => misdeeds.length > 0).length >= MAX_MISDEEDS) break;
    const got = await askForReport(peer, `${path}&digest=${digest}`, hotkey, exchange, deps);
    const other = got.items.find((report) => report.digest !== digest);
    if (other !== undefined) {
      // Asking it for what it listed and does not give would go on for ever.
      asked.push(faulty(peer.hotkey, 'wrong-digest', `${other.digest} was given for it`, digest));
      break;
    }
    asked.push(got);
    for (const report of got.items) have.add(reportKey(report));
    // Whoever lists what it does not have, or has no time left, is asked for nothing more in this round.
    if (got.items.length === 0 && got.misdeeds.length === 0) break;
  }
  return together(asked);
}

/**
 * Peers that are asked at the same time list the same reports in the same order: each starts elsewhere, so
 * that they give different ones.
 */
function startingAt(hotkey: string, reports: readonly HeldReport[]): readonly HeldReport[] {
  const isAfter = (report: HeldReport): boolean => report.hotkey > hotkey;
  return [...reports.filter(isAfter), ...reports.filter((report) => !isAfter(report))];
}

function twoForEach(reports: readonly HeldReport[]): readonly HeldReport[] {
  return [...Map.groupBy(reports, ({ hotkey }) => hotkey).values()].flatMap((of) => of.slice(0, 2));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
