import { compositesOf, type Tally } from '../consensus/composite.ts';
import type { Signer } from '../consensus/keys.ts';
import { buildReport } from '../consensus/report.ts';
import { signDocument } from '../consensus/signed.ts';
import { sha256 } from '../events/hash.ts';
import { REPORT_TYPE } from '../events/report.ts';
import type { Recorder } from './recorder.ts';

export type ReportRequest = Readonly<{
  genesis: string;
  netuid: number;
  family: string;
  run: string;
  roster: string;
  snapshotBlock: number;
  miners: readonly string[];
  tasks: readonly string[];
  /** Sums and counts of this validator's own scores. */
  tallies: readonly Tally[];
}>;

/**
 * Signs this validator's report of a closed run and records it. The signature exists nowhere before
 * the event is stored, so a crash leaves either no report or this one.
 */
export async function signReport(
  request: ReportRequest,
  deps: { signer: Signer; record: Recorder },
): Promise<void> {
  const { genesis, netuid, family, run, roster, snapshotBlock, miners, tasks, tallies } = request;
  const { scores, coverage } = compositesOf({ miners, taskCount: tasks.length, tallies });
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
  const { hotkey, signature } = signDocument(REPORT_TYPE, body, deps.signer);
  await deps.record([
    {
      type: 'report.signed.v1',
      data: { family, run, hotkey, body, signature, digest: sha256(body), coverage },
    },
  ]);
}
