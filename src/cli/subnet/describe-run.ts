import { formatNano } from '../../consensus/nano.ts';
import { stakeOf } from '../../consensus/quorum.ts';
import { names } from './cast.ts';
import type { Imported, RunResult } from './play-run.ts';

const RAO_PER_TOKEN = 1_000_000_000n;

/** A run's outcome for people: medians, winner, incumbent, quorum, weights, exclusions, certificate. */
export function describeRun({
  run,
  title,
  decision,
  inputs,
  certificate,
  identical,
  honest,
  imported,
}: RunResult): string {
  const byHotkey = names();
  const name = (hotkey: string | undefined): string =>
    hotkey === undefined ? 'nobody' : (byHotkey.get(hotkey) ?? hotkey);
  const { outcome, quorum, medians, incumbent } = decision;
  const excluded = inputs.reports
    .filter(({ status }) => status !== 'accepted')
    .map(({ hotkey, status, reason }) => `${name(hotkey)} (${reason ?? status})`)
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const stakes = new Map(inputs.reports.map(({ hotkey, stake }) => [hotkey, { hotkey, stake }]));
  const signers = certificate?.signatures.map(({ hotkey }) => hotkey) ?? [];
  const signed = stakeOf(signers.flatMap((hotkey) => stakes.get(hotkey) ?? []));
  const total = BigInt(quorum.total);
  return [
    `\n${run}: ${title}`,
    `  imported    ${imported.map(describeImport).join(', ')}`,
    `  medians     ${medians
      .toSorted((a, b) => (b.median ?? -1) - (a.median ?? -1))
      .map(
        ({ miner, median, status }) =>
          `${name(miner)} ${median === null ? status : formatNano(median)}`,
      )
      .join(', ')}`,
    `  incumbent   ${name(incumbent?.hotkey)}`,
    `  outcome     ${outcome.kind}: ${name(outcome.winner?.hotkey)} (${outcome.reason})`,
    `  quorum      ${percent(BigInt(quorum.reported), total)} of the voting stake reported, ${quorum.coldkeys} coldkeys, ${quorum.reached ? 'reached' : 'missed'}`,
    `  weights     ${outcome.vector?.map(({ uid, weight }) => `uid ${uid}: ${weight}`).join(', ') ?? 'unchanged'}, from block ${outcome.targetBlock}`,
    `  excluded    ${excluded.join(', ')}`,
    certificate === null
      ? '  certificate none: the incumbent is held'
      : `  certificate ${signers.map(name).toSorted().join(', ')} signed: ${percent(signed, total)} of ${total / RAO_PER_TOKEN} tokens of stake`,
    `  honest      ${identical.length === honest.length ? `${honest.join(', ')} decided byte for byte the same` : `ONLY ${identical.join(', ')} of ${honest.join(', ')} agree`}`,
  ].join('\n');
}

function describeImport({ validator, accepted, refused }: Imported): string {
  const lines = refused.map(({ line }) => `line ${line} refused`);
  return `${validator} ${accepted} results${lines.length === 0 ? '' : ` (${lines.join(', ')})`}`;
}

function percent(part: bigint, total: bigint): string {
  if (total === 0n) return 'nothing';
  const tenths = (part * 1_000n) / total;
  return `${tenths / 10n}.${tenths % 10n} %`;
}
