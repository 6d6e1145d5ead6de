import { digestOf } from '#src/consensus/outcome.ts';
import { buildReport } from '#src/consensus/report.ts';
import { encodeDocument, type SignedDocument, signDocument } from '#src/consensus/signed.ts';
import { buildStatement } from '#src/consensus/statement.ts';
import { type Outcome, STATEMENT_TYPE } from '#src/events/decision.ts';
import { sha256 } from '#src/events/hash.ts';
import { REPORT_TYPE, type ReportBody } from '#src/events/report.ts';
import { FAMILY, minerKey, runInput } from './simulated-run.ts';
import type { SimulatedNode } from './simulated-subnet.ts';

/** A second report of a node, well signed, with other figures (1e-9) than it measured. */
export function forgedReport(
  { signer, view }: SimulatedNode,
  sequence: number,
  scores: Readonly<Record<string, number>>,
  changes: Partial<ReportBody> = {},
) {
  const { run, roster, phases } = runInput(sequence);
  const body = buildReport({
    genesis: view.genesis,
    netuid: view.netuid,
    family: FAMILY,
    run,
    roster,
    snapshotBlock: phases.snapshot,
    hotkey: signer.hotkey,
    scores: Object.fromEntries(
      Object.entries(scores).map(([miner, score]) => [minerKey(miner), score]),
    ),
    ...changes,
  });
  return {
    digest: sha256(body),
    bytes: encodeDocument(signDocument(REPORT_TYPE, body, signer)),
  };
}

/** A decision in the name of `hotkey`, signed with the node's own key whosever name that is. */
export function forgedStatement(
  { signer }: SimulatedNode,
  hotkey: string,
  outcome: Outcome,
): SignedDocument {
  const { genesis, netuid, family, run } = outcome;
  const body = buildStatement({
    genesis,
    netuid,
    family,
    run,
    hotkey,
    outcome: digestOf(outcome),
    inputs: sha256('inputs'),
  });
  return { ...signDocument(STATEMENT_TYPE, body, signer), hotkey };
}
