import { STATEMENT_TYPE, Statement } from '../events/decision.ts';
import { encode, type Json } from '../events/ej1.ts';
import {
  authorFault,
  firstIssue,
  mismatch,
  openDocument,
  type Rejected,
  rejected,
} from './document.ts';
import type { Verify } from './keys.ts';
import { verifyDocument } from './signed.ts';

/** The run, network and author that a signed decision must be for. */
export type StatementExpectation = Readonly<{
  genesis: string;
  netuid: number;
  family: string;
  run: string;
  /** Whose decision was asked for; null when it was relayed and any voter's will do. */
  hotkey: string | null;
  voters: ReadonlySet<string>;
}>;

/** A signed decision that passed; its outcome may differ from ours. */
export type AcceptedStatement = Readonly<{
  kind: 'accepted';
  hotkey: string;
  body: string;
  signature: string;
  outcome: string;
  inputs: string;
}>;

/** The exact text that a validator signs of its decision. */
export function buildStatement(fields: Omit<Statement, 'v'>): string {
  return encode({ ...fields, v: 'eirel/decision/1' });
}

/**
 * Checks a signed decision, which may be an attacker's, against the run that was asked
 * for; the signature comes last. Never throws.
 */
export function checkStatement(
  raw: Uint8Array | Json,
  expected: StatementExpectation,
  verify: Verify,
): AcceptedStatement | Rejected {
  const opened = openDocument(raw, STATEMENT_TYPE);
  if (opened.kind === 'rejected') return opened;
  const { document, digest, json } = opened;
  if (document.body.length > MAX_STATEMENT_LENGTH) {
    return rejected('body-too-large', `more than ${MAX_STATEMENT_LENGTH} characters`, digest);
  }
  const parsed = Statement.safeParse(json);
  if (!parsed.success) return rejected('schema', firstIssue(parsed.error.issues), digest);
  const statement = parsed.data;
  const fault =
    mismatch(statement, expected, REASONS, digest) ??
    authorFault(document.hotkey, statement.hotkey, expected, digest);
  if (fault !== null) return fault;
  if (!verifyDocument(document, verify)) {
    return rejected('bad-signature', `no signature of ${document.hotkey} over this body`, digest);
  }
  const { body, hotkey, signature } = document;
  const { outcome, inputs } = statement;
  return { kind: 'accepted', hotkey, body, signature, outcome, inputs };
}

/** The bound of `decision.signed`; a statement's fields never take more than half of it. */
const MAX_STATEMENT_LENGTH = 1_024;

const REASONS = {
  genesis: 'wrong-network',
  netuid: 'wrong-netuid',
  family: 'wrong-family',
  run: 'wrong-run',
} as const;
