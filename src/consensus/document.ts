import { decode, decodeBytes, type Json } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';
import { MAX_REPORT_BYTES, type RejectionReason } from '../events/report.ts';
import { detailOf } from '../events/scalars.ts';
import { MAX_DOCUMENT_BYTES, SignedDocument } from './signed.ts';

/** Why a document was refused; `digest` is the SHA-256 of its body, once there is one. */
export type Rejected = Readonly<{
  kind: 'rejected';
  reason: RejectionReason;
  detail: string;
  digest: string | null;
}>;

/** A document whose form is right and whose signature was not looked at. */
export type Opened = Readonly<{
  kind: 'opened';
  document: SignedDocument;
  digest: string;
  json: Json;
}>;

/**
 * Reads a signed document of one payload type, up to the canonical JSON of its body: from bytes, or
 * from the value that stood in a canonical list of documents. Either may be an attacker's. Never
 * throws; verifies no signature.
 */
export function openDocument(raw: Uint8Array | Json, type: string): Opened | Rejected {
  if (!(raw instanceof Uint8Array)) return openValue(raw, type);
  if (raw.length > MAX_DOCUMENT_BYTES) {
    return rejected('body-too-large', `${raw.length} bytes, at most ${MAX_DOCUMENT_BYTES}`, null);
  }
  const outer = attempt(() => decodeBytes(raw));
  if (outer.kind === 'failed') return rejected('not-canonical', outer.detail, null);
  return openValue(outer.json, type);
}

function openValue(value: Json, type: string): Opened | Rejected {
  const parsed = SignedDocument.safeParse(value);
  if (!parsed.success) return rejected('schema', firstIssue(parsed.error.issues), null);
  const document = parsed.data;
  if (document.type !== type) {
    return rejected('schema', `type ${document.type} instead of ${type}`, null);
  }
  const digest = sha256(document.body);
  if (Buffer.byteLength(document.body, 'utf8') > MAX_REPORT_BYTES) {
    return rejected('body-too-large', `a body of more than ${MAX_REPORT_BYTES} bytes`, digest);
  }
  const inner = attempt(() => decode(document.body));
  if (inner.kind === 'failed') return rejected('not-canonical', `body: ${inner.detail}`, digest);
  return { kind: 'opened', document, digest, json: inner.json };
}

/** A refusal whose detail fits an event, whatever an attacker's text put into it. */
export function rejected(reason: RejectionReason, detail: string, digest: string | null): Rejected {
  return { kind: 'rejected', reason, detail: detailOf(detail), digest };
}

/** A refusal for the first field of `reasons` that is not what was asked for, or null when all agree. */
export function mismatch<Field extends string>(
  body: Readonly<Record<NoInfer<Field>, string | number>>,
  expected: Readonly<Record<NoInfer<Field>, string | number>>,
  reasons: Readonly<Record<Field, RejectionReason>>,
  digest: string,
): Rejected | null {
  for (const field in reasons) {
    if (body[field] !== expected[field]) {
      return rejected(
        reasons[field],
        `${field} ${body[field]} instead of ${expected[field]}`,
        digest,
      );
    }
  }
  return null;
}

/** The first thing that a schema has against a value, with its path. */
export function firstIssue(
  issues: readonly { path: readonly PropertyKey[]; message: string }[],
): string {
  const [issue] = issues;
  return issue === undefined
    ? 'malformed'
    : `${issue.path.map(String).join('.')}: ${issue.message}`;
}

/** Who may have written a document: the one that was asked, or any voter when it was relayed. */
export function authorFault(
  author: string,
  claimed: string,
  { hotkey, voters }: { hotkey: string | null; voters: ReadonlySet<string> },
  digest: string,
): Rejected | null {
  if (author !== claimed) {
    return rejected('wrong-hotkey', `body of ${claimed}, signed as ${author}`, digest);
  }
  if (hotkey !== null && author !== hotkey) {
    return rejected('wrong-hotkey', `${author} instead of ${hotkey}`, digest);
  }
  if (!voters.has(author)) return rejected('unknown-hotkey', `${author} is no voter`, digest);
  return null;
}

function attempt(
  read: () => Json,
): { kind: 'read'; json: Json } | { kind: 'failed'; detail: string } {
  try {
    return { kind: 'read', json: read() };
  } catch (error) {
    // The only error of the EJ1 reader is `ej1.malformed`; its text says where and why.
    return { kind: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
}
