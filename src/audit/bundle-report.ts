import { verifyDocument } from '../consensus/signed.ts';
import { envelopeIn, examineEvent } from '../events/decode.ts';
import { decode } from '../events/ej1.ts';
import { REPORT_TYPE, ReportBody } from '../events/report.ts';
import { openFact } from '../events/seal-box.ts';
import type { AuditDeps } from './audit-context.ts';
import type { Bundle } from './bundle.ts';
import { type BundleExpectations, failed, type Outcome, PASSED } from './bundle-step.ts';

/** B02 and B03: the report is of whom and what was asked for, and signed by that hotkey. */
export function checkReport(
  { report }: Bundle,
  { hotkey, genesis, netuid }: BundleExpectations,
  { verify }: AuditDeps,
): Readonly<{ B02: Outcome; B03: Outcome }> {
  const body = bodyOf(report.body);
  const wanted = { genesis, netuid, hotkey } as const;
  const other = (['genesis', 'netuid', 'hotkey'] as const).find(
    (field) => body?.[field] !== wanted[field],
  );
  const named = report.type === REPORT_TYPE && report.hotkey === hotkey;
  return {
    B02:
      body === null
        ? failed('a body that is no report in canonical EJ1')
        : other === undefined
          ? PASSED
          : failed(`${other} ${body[other]} instead of ${wanted[other]}`),
    B03:
      named && verifyDocument({ ...report, hotkey }, verify)
        ? PASSED
        : failed(`no signature of ${hotkey} over this body as a report`),
  };
}

/** The body of a report; null for any other text. */
export function bodyOf(text: string): ReportBody | null {
  try {
    return ReportBody.safeParse(decode(text)).data ?? null;
  } catch {
    // Not canonical: no report.
    return null;
  }
}

/** The event of a bundle, with its place in its log; nulls where it can't be read. */
export type BundledEvent = Readonly<{
  outcome: Outcome;
  payload: Uint8Array;
  n: number | null;
  source: string | null;
}>;

/** B04: the stored event is a report's sealed fact, which its run's key opens to these very bytes. */
export function checkEvent({ report, opening, event }: Bundle): BundledEvent {
  const payload = Buffer.from(event.payload, 'base64');
  const envelope = envelopeIn(payload);
  if (envelope === null) {
    const outcome = failed('an event that is not canonical EJ1, or has another envelope');
    return { outcome, payload, n: null, source: null };
  }
  const { n, source, prev } = envelope;
  const place = { payload, n, source };
  const examined = examineEvent(payload, source, { size: n, hash: prev });
  if (examined.kind === 'refused') return { ...place, outcome: failed(examined.found) };
  const sealed = examined.recorded.event;
  if (sealed.type !== 'fact.sealed.v1')
    return { ...place, outcome: failed(`an event of the type ${sealed.type}`) };
  const opened = openFact(sealed.data, opening.key);
  if (opened.kind === 'refused') return { ...place, outcome: failed(opened.found) };
  const fact = opened.event;
  const same =
    fact.type === 'report.signed.v1' &&
    fact.data.body === report.body &&
    fact.data.hotkey === report.hotkey &&
    fact.data.signature === report.signature;
  return { ...place, outcome: same ? PASSED : failed('another report than the one in the file') };
}
