import { compositesOf, type Tally } from '../consensus/composite.ts';
import type { Signer } from '../consensus/keys.ts';
import { buildReport } from '../consensus/report.ts';
import { signDocument } from '../consensus/signed.ts';
import { sha256 } from '../events/hash.ts';
import { REPORT_TYPE } from '../events/report.ts';
import type { Recorder } from './recorder.ts';
import { describeConflict, type SigningHistory } from './signing-history.ts';

export type ReportRequest = Readonly<{
  genesis: string;
  netuid: number;
  family: string;
  run: string;
  roster: string;
  snapshotBlock: number;
  miners: readonly string[];
  /** How many tasks of the run count: a miner is measured by those. */
  taskCount: number;
  /** Sums and counts of this validator's own scores. */
  tallies: readonly Tally[];
}>;

/**
 * Signs this validator's report of a closed run and records it. The report is in the signing history before
 * it is signed, so that a log that was restored from an older copy signs no second one; the signature exists
 * nowhere before the event is stored, so a crash leaves either no report or this one. Gives why nothing was
 * signed, or null.
 */
export async function signReport(
  request: ReportRequest,
  deps: { signer: Signer; history: SigningHistory; record: Recorder },
): Promise<string | null> {
  const { genesis, netuid, family, run, roster, snapshotBlock, miners, taskCount, tallies } =
    request;
  const { scores, coverage } = compositesOf({ miners, taskCount, tallies });
  const body = buildReport({
    genesis,
    netuid,
    family,
    run,
    roster,
    snapshotBlock,
    hotkey: deps.signer.hotkey,
    scores,
  });
  const digest = sha256(body);
  const slot = { kind: 'report', family, run } as const;
  const reserved = await deps.history.reserve(slot, digest);
  if (reserved.kind === 'conflict') return describeConflict(slot, digest, reserved);
  const { hotkey, signature } = signDocument(REPORT_TYPE, body, deps.signer);
  await deps.record([
    {
      type: 'report.signed.v1',
      data: { family, run, hotkey, body, signature, digest, coverage },
    },
  ]);
  return null;
}
