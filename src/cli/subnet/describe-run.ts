import { formatNano } from '../../consensus/nano.ts';
import { names, RUNNING } from './cast.ts';
import type { Measured } from './measured.ts';
import type { DoubleCommit, OnChain } from './on-chain.ts';
import type { Imported, Rival, RunResult } from './play-run.ts';

const RAO_PER_TOKEN = 1_000_000_000n;

/** A run's outcome for people: medians, winner, incumbent, quorum, weights, exclusions, certificate. */
export function describeRun(result: RunResult): string {
  const { run, title } = result;
  const { outcome, quorum, medians, incumbent } = result.decision;
  const { certificate, identical, honest, measured, imported } = result;
  const signers = certificate?.signatures.map(({ hotkey }) => nameOf(hotkey)) ?? [];
  return [
    `\n${run}: ${title}`,
    ...measured.map(describeMiner),
    `  made up     ${imported.map(describeImport).join(', ')}`,
    `  medians     ${medians
      .toSorted((a, b) => (b.median ?? -1) - (a.median ?? -1))
      .map(
        ({ miner, median, status }) =>
          `${nameOf(miner)} ${median === null ? status : formatNano(median)}`,
      )
      .join(', ')}`,
    `  incumbent   ${nameOf(incumbent?.hotkey)}`,
    `  outcome     ${outcome.kind}: ${nameOf(outcome.winner?.hotkey)} (${outcome.reason})`,
    `  quorum      ${percent(quorum.reported, quorum.total)} of the voting stake reported, ${quorum.coldkeys} coldkeys, ${quorum.reached ? 'reached' : 'missed'}`,
    `  weights     ${outcome.vector?.map(({ uid, weight }) => `uid ${uid}: ${weight}`).join(', ') ?? 'unchanged'}, from block ${outcome.targetBlock}`,
    `  excluded    ${describeExcluded(result)}`,
    ...describeRivals(result),
    `  certificate ${describeCertificate(result.certified, signers)}`,
    ...describeLeftOutSigners(result, signers),
    ...result.doubleCommits.map(describeDouble),
    ...describeOnChain(result),
    `  honest      ${identical.length === honest.length ? `${honest.join(', ')} decided byte for byte the same` : `ONLY ${identical.join(', ')} of ${honest.join(', ')} agree`}`,
  ].join('\n');
}

/** What one validator measured of a miner: score, time, cost and tools, by its own ledger, or why it was not run. */
function describeMiner(measured: Measured, index: number): string {
  const label = index === 0 ? 'measured' : '';
  return `  ${label.padEnd(11)} ${nameOf(measured.miner)} ${figuresOf(measured)}`;
}

function figuresOf({
  score,
  judged,
  latencyMs,
  cost,
  tools,
  knockouts,
  refused,
}: Measured): string {
  if (refused !== null) return `was not run: ${refused}`;
  const uses = Object.entries(tools).map(([tool, tasks]) => `${tool} in ${tasks} tasks`);
  return [
    score === null ? 'no score' : `${formatNano(score)} over ${judged} tasks`,
    latencyMs === null ? 'never asked' : `${latencyMs} ms`,
    cost === null ? 'cost unknown' : `$${formatNano(cost)}`,
    `attested: ${uses.join(', ') || 'no tools'}`,
    ...knockouts,
  ].join('; ');
}

function describeDouble({ hotkey, first, second }: DoubleCommit): string {
  const seen = ({ digest, block }: DoubleCommit['first']): string =>
    `${digest.slice(0, 16)}… in block ${block}`;
  return `  evidence    ${nameOf(hotkey)} committed to report ${seen(first)} and to ${seen(second)}`;
}

/** The extrinsics by what they are for, and whom the chain pays in the end. */
function describeOnChain({ extrinsics, paid }: RunResult): readonly string[] {
  const of = (purpose: OnChain['purpose'], label: string): readonly string[] =>
    extrinsics
      .filter((extrinsic) => extrinsic.purpose === purpose)
      .map(
        ({ validator, hash, block }, index) =>
          `  ${index === 0 ? label.padEnd(11) : ' '.repeat(11)} ${validator} 0x${hash} in block ${block}`,
      );
  return [
    ...of('commitment', 'committed'),
    ...of('weights', 'weights set'),
    ...(paid === null ? [] : [`  incentive   uid ${paid} gets all that the chain pays miners`]),
  ];
}

/** Derived at first use: keys can't be derived while modules load. */
let byHotkey: ReadonlyMap<string, string> | undefined;

function nameOf(hotkey: string | undefined): string {
  byHotkey ??= names();
  return hotkey === undefined ? 'nobody' : (byHotkey.get(hotkey) ?? hotkey);
}

function describeImport({ validator, accepted, refused }: Imported): string {
  const lines = refused.map(({ line }) => `line ${line} refused`);
  return `${validator} ${accepted} results${lines.length === 0 ? '' : ` (${lines.join(', ')})`}`;
}

/** Whose report does not count, and why; voters that never had a process here are one group. */
function describeExcluded({ inputs }: RunResult): string {
  const left = inputs.reports
    .filter(({ status }) => status !== 'accepted')
    .map((report) => ({ ...report, name: nameOf(report.hotkey) }))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  const isRunning = ({ name }: { name: string }): boolean =>
    RUNNING.some((running) => running === name);
  const absent = left.filter((report) => !isRunning(report)).map(({ name }) => name);
  return [
    ...left.filter(isRunning).map(({ name, reason, status }) => `${name} (${reason ?? status})`),
    ...(absent.length === 0 ? [] : [`${absent.at(0)}–${absent.at(-1)}: no process here`]),
  ].join(', ');
}

/** Of each report of one who showed several: the claim that is farthest from the median. */
function describeRivals({ rivals, decision }: RunResult): readonly string[] {
  return [...new Set(rivals.map(({ hotkey }) => hotkey))].map((liar) => {
    const claims = rivals
      .filter(({ hotkey }) => hotkey === liar)
      .map((rival) => boldest(rival, decision))
      .toSorted((a, b) => b.score - a.score)
      .map(
        ({ miner, score, median }) =>
          `${nameOf(miner)} ${formatNano(score)} (median ${formatNano(median)})`,
      );
    return `  shown       ${nameOf(liar)} claimed ${claims.join(' to some, to others ')}`;
  });
}

function boldest({ scores }: Rival, { medians }: RunResult['decision']) {
  const claims = medians.flatMap(({ miner, median }) => {
    const score = scores[miner];
    return median === null || score === undefined ? [] : [{ miner, score, median }];
  });
  const off = ({ score, median }: { score: number; median: number }) => Math.abs(score - median);
  return claims.reduce((far, claim) => (off(claim) > off(far) ? claim : far), {
    miner: '',
    score: 0,
    median: 0,
  });
}

function describeCertificate(
  certified: RunResult['certified'],
  signers: readonly string[],
): string {
  if (certified === null) return 'none: the incumbent is held';
  const { signed, total } = certified;
  return `${signers.toSorted().join(', ')} signed: ${percent(signed, total)} of ${BigInt(total) / RAO_PER_TOKEN} tokens of stake, verified`;
}

function describeLeftOutSigners(
  { inputs }: RunResult,
  signers: readonly string[],
): readonly string[] {
  const left = inputs.reports
    .filter(({ status }) => status !== 'accepted')
    .map(({ hotkey }) => nameOf(hotkey))
    .filter((name) => signers.includes(name));
  return left.length === 0
    ? []
    : [
        `              (${left.join(', ')}: a report left out does not bar from signing the outcome)`,
      ];
}

function percent(part: string, total: string): string {
  if (BigInt(total) === 0n) return 'nothing';
  const tenths = (BigInt(part) * 1_000n) / BigInt(total);
  return `${tenths / 10n}.${tenths % 10n} %`;
}
