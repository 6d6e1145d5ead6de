import { buildReport, type ReportExpectation } from '#src/consensus/report.ts';
import { encodeDocument, signDocument } from '#src/consensus/signed.ts';
import { REPORT_TYPE } from '#src/events/report.ts';
import { devSigner } from '../support/dev-keys.ts';
import { FAMILY, MINERS, scoreOf } from './workload.ts';

const author = devSigner('bench');

/** What a report of a full subnet is compared with. */
export const expectation: ReportExpectation = {
  genesis: 'ab'.repeat(32),
  netuid: 36,
  family: FAMILY,
  run: 'run-7',
  roster: 'cd'.repeat(32),
  snapshotBlock: 100,
  hotkey: author.hotkey,
  voters: new Set([author.hotkey]),
};

/** A signed report of 256 miners: its body, and its wire form. */
export function signedReport() {
  const { voters: _, ...place } = expectation;
  const scores = Object.fromEntries(MINERS.map((miner, index) => [miner, scoreOf(index)]));
  const body = buildReport({ ...place, hotkey: author.hotkey, scores });
  const document = signDocument(REPORT_TYPE, body, author);
  return { document, bytes: encodeDocument(document) };
}
