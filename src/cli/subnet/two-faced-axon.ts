import type { Signer } from '../../consensus/keys.ts';
import { encodeDocument, SignedDocument, signDocument } from '../../consensus/signed.ts';
import { decode, decodeBytes, encode } from '../../events/ej1.ts';
import { REPORT_TYPE, ReportBody } from '../../events/report.ts';
import { passOn } from './pass-on.ts';
import { TWO_FACED_RUN } from './plan.ts';

/**
 * The axon of the dishonest validator: it passes everything on to the validator behind it, but in one
 * run every second asker gets another report, signed with the same key.
 */
export function openTwoFacedAxon(
  behind: string,
  signer: Signer,
): Promise<{ url: string } & AsyncDisposable> {
  let asked = 0;
  return passOn(behind, (path, body) => {
    if (!path.startsWith(`/v1/consensus/scores/run-${TWO_FACED_RUN}?`)) return body;
    asked++;
    return asked % 2 === 0 ? otherReport(body, signer) : body;
  });
}

/** The same report with everybody but the favourite at zero. */
function otherReport(document: Uint8Array, signer: Signer): Uint8Array {
  const { body } = SignedDocument.parse(decodeBytes(document));
  const report = ReportBody.parse(decode(body));
  const best = Math.max(...Object.values(report.scores));
  const scores = Object.fromEntries(
    Object.entries(report.scores).map(([miner, score]) => [miner, score === best ? score : 0]),
  );
  return encodeDocument(signDocument(REPORT_TYPE, encode({ ...report, scores }), signer));
}
