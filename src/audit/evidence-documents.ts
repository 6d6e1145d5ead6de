import { z } from 'zod';
import { openDocument } from '../consensus/document.ts';
import { type SignedDocument, verifyDocument } from '../consensus/signed.ts';
import { ROSTER_TYPE } from '../evaluation/roster.ts';
import type { Json } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';
import { REPORT_TYPE, ReportBody } from '../events/report.ts';
import { Family, Hex32, RunId } from '../events/scalars.ts';
import {
  type Accusation,
  type EvidenceContext,
  evidenceText,
  issueOf,
  type Refused,
  refused,
} from './evidence-form.ts';

/** What a roster's signed body has to say to be held against another one; whatever else it says makes its digest. */
const RosterPlace = z.looseObject({
  genesis: Hex32,
  netuid: z.int().min(0).max(65_535),
  family: Family,
  run: RunId,
});

/** The evidence that two reports of one run by one hotkey are. */
export function evidenceOfReports(one: SignedDocument, other: SignedDocument): string {
  return evidenceText('report', inOrder(one, other));
}

/** The evidence that two rosters of one run by the owner are. */
export function evidenceOfRosters(one: SignedDocument, other: SignedDocument): string {
  return evidenceText('roster', inOrder(one, other));
}

/**
 * Proves that a hotkey signed two reports of one run: both are whole reports of this network and subnet
 * with a valid signature, of one family, run and hotkey, and their bodies differ.
 */
export function checkReports(
  [first, second]: readonly [Json, Json],
  context: EvidenceContext,
): Accusation | Refused {
  const one = openReport(first);
  if (one.kind === 'refused') return one;
  const other = openReport(second);
  if (other.kind === 'refused') return other;
  const fault = contradiction(one, other, context) ?? signatureFault([one, other], context);
  if (fault !== null) return fault;
  const { hotkey, family, run } = one.body;
  return {
    hotkey,
    family,
    run,
    summary: `${hotkey} signed two different reports of ${family}/${run}`,
    says: [reportText(one), reportText(other)],
  };
}

/** Proves the same of two rosters that the owner signed; the verifier has to know who that is. */
export function checkRosters(
  [first, second]: readonly [Json, Json],
  context: EvidenceContext,
): Accusation | Refused {
  const kind = { type: ROSTER_TYPE, schema: RosterPlace };
  const one = open(first, kind);
  if (one.kind === 'refused') return one;
  const other = open(second, kind);
  if (other.kind === 'refused') return other;
  const { hotkey } = one.document;
  const fault =
    contradiction(one, other, context) ??
    ownerFault(hotkey, context) ??
    signatureFault([one, other], context);
  if (fault !== null) return fault;
  const { family, run } = one.body;
  return {
    hotkey,
    family,
    run,
    summary: `the owner ${hotkey} signed two different rosters of ${family}/${run}`,
    says: [
      `a roster of ${family}/${run}, SHA-256 ${one.digest}`,
      `a roster of ${family}/${run}, SHA-256 ${other.digest}`,
    ],
  };
}

export type OpenedReport = Opened<ReportBody>;

/** A report whose form is right and which names its signer; its signature was not looked at. */
export function openReport(statement: Json): OpenedReport | Refused {
  const opened = open(statement, { type: REPORT_TYPE, schema: ReportBody });
  if (opened.kind === 'refused' || opened.body.hotkey === opened.document.hotkey) return opened;
  const { body, document } = opened;
  return refused('different-hotkeys', `a report of ${body.hotkey}, signed as ${document.hotkey}`);
}

/** What a report says, for people. */
export function reportText({ digest, body }: OpenedReport): string {
  const { family, run, scores } = body;
  return `a report of ${family}/${run} with ${Object.keys(scores).length} scores, SHA-256 ${digest}`;
}

/** A refusal where a document is of another network or subnet than the verifier's. */
export function networkFault(
  at: Readonly<{ genesis: string; netuid: number }>,
  { genesis, netuid }: EvidenceContext,
): Refused | null {
  if (at.genesis !== genesis)
    return refused('wrong-network', `genesis ${at.genesis} instead of ${genesis}`);
  if (at.netuid === netuid) return null;
  return refused('wrong-netuid', `netuid ${at.netuid} instead of ${netuid}`);
}

/** A refusal where one of the documents was not signed by its hotkey. */
export function signatureFault(
  opened: readonly Readonly<{ document: SignedDocument }>[],
  { verify }: EvidenceContext,
): Refused | null {
  const forged = opened.find(({ document }) => !verifyDocument(document, verify));
  return forged === undefined
    ? null
    : refused('bad-signature', `no signature of ${forged.document.hotkey} over this document`);
}

type Place = Readonly<{ genesis: string; netuid: number; family: string; run: string }>;
type Opened<Body> = Readonly<{
  kind: 'opened';
  document: SignedDocument;
  digest: string;
  body: Body;
}>;

function open<Body extends Place>(
  statement: Json,
  { type, schema }: Readonly<{ type: string; schema: z.ZodType<Body> }>,
): Opened<Body> | Refused {
  const opened = openDocument(statement, type);
  if (opened.kind === 'rejected') {
    const { reason, detail } = opened;
    return refused(reason === 'not-canonical' ? reason : 'schema', detail);
  }
  const body = schema.safeParse(opened.json);
  if (!body.success) return refused('schema', `body: ${issueOf(body.error)}`);
  const { document, digest } = opened;
  return { kind: 'opened', document, digest, body: body.data };
}

/** Why two documents do not contradict each other; null when, well signed, they do. */
function contradiction(
  one: Opened<Place>,
  other: Opened<Place>,
  context: EvidenceContext,
): Refused | null {
  const network = networkFault(one.body, context) ?? networkFault(other.body, context);
  if (network !== null) return network;
  const pair = (a: string, b: string): string => `${a} and ${b}`;
  if (one.document.hotkey !== other.document.hotkey)
    return refused('different-hotkeys', pair(one.document.hotkey, other.document.hotkey));
  if (one.body.family !== other.body.family)
    return refused('different-families', pair(one.body.family, other.body.family));
  if (one.body.run !== other.body.run)
    return refused('different-runs', pair(one.body.run, other.body.run));
  if (one.digest === other.digest)
    return refused('no-contradiction', `both have the body ${one.digest}`);
  return one.digest < other.digest
    ? null
    : refused('order', 'the body with the smaller SHA-256 stands first');
}

function ownerFault(hotkey: string, { ownerHotkey = null }: EvidenceContext): Refused | null {
  if (ownerHotkey === null)
    return refused('owner-unknown', "who owns the subnet has to be known: name the owner's hotkey");
  if (hotkey === ownerHotkey) return null;
  return refused('not-the-owner', `signed by ${hotkey}, the owner is ${ownerHotkey}`);
}

function inOrder(
  one: SignedDocument,
  other: SignedDocument,
): readonly [SignedDocument, SignedDocument] {
  return sha256(one.body) < sha256(other.body) ? [one, other] : [other, one];
}
