import type { RunId } from '../events/scalars.ts';
import { readResult, type ScoreEvent } from './read-result.ts';
import { type Recorder, recordInBatches } from './recorder.ts';

/** Lines of one import request. A crash in the middle leaves whole scores; importing the file again adds the rest. */
export const MAX_IMPORT_LINES = 200;

export type ImportLine = Readonly<{ number: number; text: string }>;
type Refusal = Readonly<{ line: number; reason: string }>;

/** What became of an import: every line is in exactly one of `accepted`, `repeated` and `refused`. */
export type ImportReport = Readonly<{
  accepted: number;
  /** Lines whose every score was recorded before, with the same evidence. */
  repeated: number;
  refused: readonly Refusal[];
  scores: Readonly<{ scored: number; failed: number; excused: number; repeated: number }>;
}>;

/** The run that results may be imported into. */
type OpenRun = Readonly<{
  status: 'open' | 'closed';
  /** Whether this validator measures it itself. */
  measured: boolean;
  miners: readonly string[];
  tasks: readonly string[];
}>;

export type ImportView = Readonly<{
  findRun: (family: string, run: RunId) => Promise<OpenRun | null>;
  /** Evidence of the pairs recorded already, by "task/miner". */
  recordedEvidence: (
    family: string,
    run: RunId,
    pairs: readonly Readonly<{ task: string; miner: string }>[],
  ) => Promise<ReadonlyMap<string, string>>;
}>;

/**
 * Imports task results line by line: a bad line is refused with its number and reason and the rest
 * goes in. Importing the same lines again changes nothing; another result for a pair that has one is
 * refused, because the first result stands.
 */
export async function importScores(
  lines: readonly ImportLine[],
  deps: ImportView & { record: Recorder },
): Promise<ImportReport> {
  const refused: Refusal[] = [];
  const fresh = new Map<string, ScoreEvent>();
  const counts = { accepted: 0, repeated: 0, pairs: 0 };
  for (const { number, text } of lines) {
    const verdict = await judgeLine(text, fresh, deps);
    if (verdict.kind === 'refused') {
      refused.push({ line: number, reason: verdict.reason });
      continue;
    }
    for (const event of verdict.events) fresh.set(pairOf(event), event);
    counts[verdict.events.length === 0 ? 'repeated' : 'accepted']++;
    counts.pairs += verdict.repeated;
  }
  const events = [...fresh.values()];
  await recordInBatches(events, deps.record);
  const count = (status: string): number =>
    events.filter(({ data }) => data.status === status).length;
  return {
    accepted: counts.accepted,
    repeated: counts.repeated,
    refused,
    scores: {
      scored: count('scored'),
      failed: count('failed'),
      excused: count('excused'),
      repeated: counts.pairs,
    },
  };
}

type LineVerdict =
  | { readonly kind: 'ok'; readonly events: readonly ScoreEvent[]; readonly repeated: number }
  | { readonly kind: 'refused'; readonly reason: string };

async function judgeLine(
  text: string,
  fresh: ReadonlyMap<string, ScoreEvent>,
  view: ImportView,
): Promise<LineVerdict> {
  const result = readResult(text);
  if (result.kind === 'refused') return result;
  const first = result.events[0];
  if (first === undefined) return { kind: 'refused', reason: 'no result in the line' };
  const { family, run, task } = first.data;
  const known = await view.findRun(family, run);
  const reason = refusalOf(known, result.events, { family, run, task });
  if (reason !== null) return { kind: 'refused', reason };

  const before = await view.recordedEvidence(
    family,
    run,
    result.events.map(({ data }) => ({ task, miner: data.miner })),
  );
  const evidenceOf = (event: ScoreEvent): string | undefined =>
    fresh.get(pairOf(event))?.data.evidence ?? before.get(`${task}/${event.data.miner}`);
  const other = result.events.find(
    (event) => (evidenceOf(event) ?? event.data.evidence) !== event.data.evidence,
  );
  if (other !== undefined) {
    return {
      kind: 'refused',
      reason: `${task} of ${other.data.miner} has another result already; the first one stands`,
    };
  }
  const events = result.events.filter((event) => evidenceOf(event) === undefined);
  return { kind: 'ok', events, repeated: result.events.length - events.length };
}

function refusalOf(
  run: OpenRun | null,
  events: readonly ScoreEvent[],
  at: Readonly<{ family: string; run: string; task: string }>,
): string | null {
  if (run === null) return `run_id: ${at.run} of ${at.family} was never opened`;
  if (run.status === 'closed') return `run_id: ${at.run} of ${at.family} is closed`;
  if (run.measured)
    return `run_id: ${at.run} of ${at.family} was opened by a roster, and is measured here alone`;
  if (!run.tasks.includes(at.task)) return `task_id: ${at.task} is not in the run's task set`;
  const stranger = events.find(({ data }) => !run.miners.includes(data.miner));
  return stranger === undefined
    ? null
    : `miner_hotkey: ${stranger.data.miner} is not in the run's roster`;
}

function pairOf({ data }: ScoreEvent): string {
  return `${data.family}/${data.run}/${data.task}/${data.miner}`;
}
