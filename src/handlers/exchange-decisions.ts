import { z } from 'zod';
import { buildCertificate } from '../consensus/certificate.ts';
import type { Signer } from '../consensus/keys.ts';
import { digestOf } from '../consensus/outcome.ts';
import { stakeOf } from '../consensus/quorum.ts';
import { encodeDocument, SignedDocument, signDocument } from '../consensus/signed.ts';
import {
  buildStatement,
  checkStatement,
  type StatementExpectation,
} from '../consensus/statement.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { type DecisionRecord, type Rules, STATEMENT_TYPE } from '../events/decision.ts';
import { MAX_EVENT_BYTES } from '../events/envelope.ts';
import { sha256 } from '../events/hash.ts';
import { MAX_VALIDATORS, type Voter } from '../events/snapshot.ts';
import {
  type AskDeps,
  type AskEachDeps,
  type Asked,
  askEach,
  askPeer,
  type Peer,
  peersOf,
  readAnswer,
  together,
  withoutBody,
} from './ask-peers.ts';
import { type Certified, followCertificate } from './follow-certificate.ts';
import { type Misdeed, misdeedOf, newMisdeeds } from './misdeeds.ts';
import { type Recorder, recordInBatches } from './recorder.ts';
import { describeConflict, type SigningHistory } from './signing-history.ts';

/** A decision, its inputs, commitments and 128 statements of half a kilobyte: three events' worth and the statements. */
const MAX_DECISIONS_BYTES = 3 * MAX_EVENT_BYTES + MAX_VALIDATORS * 1_024;

/** Statements that are refused of one answer before the rest of it is left unread. */
const MAX_BAD_STATEMENTS = 8;

/** What we read of a peer's decisions: only the statements; its own account of its inputs is for auditors. */
const Decisions = z.looseObject({ statements: z.array(z.unknown()).max(MAX_VALIDATORS) });

type SignedStatement = Readonly<{
  hotkey: string;
  body: string;
  signature: string;
  outcome: string;
}>;

export type DecisionExchange = Readonly<{
  self: string;
  expected: StatementExpectation;
  rules: Rules;
  voters: readonly Voter[];
  decision: DecisionRecord;
  /** Ours, if signed, and those accepted from peers. */
  statements: readonly SignedStatement[];
  known: ReadonlySet<string>;
}>;

/**
 * Signs this validator's decision: the outcome's digest, and the digest of its own inputs. The statement is in
 * the signing history before it is signed. Gives why nothing was signed, or null.
 */
export async function signDecision(
  { expected, decision }: Readonly<{ expected: StatementExpectation; decision: DecisionRecord }>,
  deps: { signer: Signer; history: SigningHistory; record: Recorder },
): Promise<string | null> {
  const { genesis, netuid, family, run } = expected;
  const outcome = digestOf(decision.outcome);
  const statement = buildStatement({
    genesis,
    netuid,
    family,
    run,
    hotkey: deps.signer.hotkey,
    outcome,
    inputs: decision.inputs,
  });
  const digest = sha256(statement);
  const slot = { kind: 'decision', family, run } as const;
  const reserved = await deps.history.reserve(slot, digest);
  if (reserved.kind === 'conflict') return describeConflict(slot, digest, reserved);
  const { hotkey, body, signature } = signDocument(STATEMENT_TYPE, statement, deps.signer);
  await deps.record([
    { type: 'decision.signed.v1', data: { family, run, hotkey, body, signature, outcome } },
  ]);
  return null;
}

/**
 * One round of agreement: peers are asked for the signed decisions that they hold; a certificate is
 * built as soon as enough stake signed our outcome. When enough stake signed another one, its
 * certificate is fetched and verified: a validator that missed a report follows the others.
 */
export async function exchangeDecisions(
  exchange: DecisionExchange,
  deps: AskDeps & AskEachDeps & { record: Recorder },
): Promise<Agreement> {
  const peers = peersOf(exchange.voters, exchange.self);
  const verified = new Set<string>();
  const asked = await askEach(
    peers,
    (peer, signal) => askForStatements(peer, exchange, verified, { ...deps, signal }),
    deps,
  );
  const { items, misdeeds } = together(asked);
  const fresh = newStatements(exchange, items);
  const statements = [...exchange.statements, ...fresh];
  const own = ownCertificate({ ...exchange, statements });
  const followed =
    own === null ? await followCertificate({ ...exchange, statements }, peers, deps) : nothing;
  const certified = own ?? followed.items[0] ?? null;

  const { family, run } = exchange.expected;
  const faults = [...misdeeds, ...followed.misdeeds].map((fault) => ({ ...fault, digest: null }));
  const events: DomainEvent[] = [
    ...fresh.map(
      (data): DomainEvent => ({
        type: 'peer-decision.accepted.v1',
        data: { family, run, ...data },
      }),
    ),
    ...newMisdeeds(faults, exchange.known).map(
      ({ peer, reason, detail }): DomainEvent => ({
        type: 'peer-decision.rejected.v1',
        data: { family, run, peer, reason, detail },
      }),
    ),
    ...(certified === null ? [] : [certificateEvent(exchange.expected, certified)]),
  ];
  await recordInBatches(events, deps.record);
  return { certified: certified !== null, statements };
}

const nothing: Asked<Certified> = { items: [], misdeeds: [] };

/** Whether a certificate stands, and every signed decision that is known by now. */
type Agreement = Readonly<{ certified: boolean; statements: readonly SignedStatement[] }>;

/**
 * The last round, at the certify block or after it. A certificate that peers hold is as good after the
 * deadline as before it; only without one is it missed, with the stake that signed our outcome.
 */
export async function missCertificate(
  exchange: DecisionExchange,
  block: number,
  deps: AskDeps & AskEachDeps & { record: Recorder },
): Promise<void> {
  const { certified, statements } = await exchangeDecisions(exchange, deps);
  if (certified) return;
  const own = digestOf(exchange.decision.outcome);
  const signers = new Set(
    statements.filter(({ outcome }) => outcome === own).map(({ hotkey }) => hotkey),
  );
  const signed = stakeOf(exchange.voters.filter(({ hotkey }) => signers.has(hotkey)));
  const { family, run } = exchange.expected;
  const data = {
    family,
    run,
    block,
    signed: String(signed),
    total: String(stakeOf(exchange.voters)),
  };
  await deps.record([{ type: 'certificate.missed.v1', data }]);
}

/** The statements of voters that have none recorded for that outcome, each once, sorted by hotkey. */
function newStatements(
  exchange: DecisionExchange,
  received: readonly SignedStatement[],
): readonly SignedStatement[] {
  const seen = new Set(exchange.statements.map(({ hotkey }) => hotkey));
  const fresh = new Map<string, SignedStatement>();
  // The first statement of a voter counts; a second one could only move its stake back and forth.
  for (const statement of received.toSorted((a, b) => (a.outcome < b.outcome ? -1 : 1))) {
    if (!seen.has(statement.hotkey) && !fresh.has(statement.hotkey))
      fresh.set(statement.hotkey, statement);
  }
  return [...fresh.values()].toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1));
}

/** The certificate of our own outcome, if enough stake signed it. */
function ownCertificate(exchange: DecisionExchange): Certified | null {
  const { decision, statements, voters, rules } = exchange;
  const { outcome } = decision;
  const built = buildCertificate({ outcome, statements, voters, quorum: rules.certificateQuorum });
  return built.kind === 'short' ? null : built;
}

function certificateEvent(
  { family, run }: StatementExpectation,
  { certificate, signed, total }: Certified,
): DomainEvent {
  const data = { family, run, certificate, signed: String(signed), total: String(total) };
  return { type: 'certificate.built.v1', data };
}

/** `verified` has the statements, as they stand, that any peer gave in this round. */
async function askForStatements(
  peer: Peer,
  exchange: DecisionExchange,
  verified: Set<string>,
  deps: AskDeps,
): Promise<Asked<SignedStatement>> {
  const { family, run } = exchange.expected;
  const answer = await askPeer(peer, `/v1/consensus/decisions/${run}?family=${family}`, {
    ...deps,
    maxBytes: MAX_DECISIONS_BYTES,
  });
  if (answer.kind !== 'body') return withoutBody(answer);
  const read = readAnswer(peer, answer.body, (json) => Decisions.safeParse(json).data ?? null);
  if (read.kind === 'misdeed') return withoutBody(read);

  const have = new Set(exchange.statements.map(({ hotkey }) => hotkey));
  const statements: SignedStatement[] = [];
  const misdeeds: Misdeed[] = [];
  for (const document of read.value.statements) {
    // Each further one would cost a verification and say nothing new.
    if (misdeeds.length >= MAX_BAD_STATEMENTS) break;
    const claimed = SignedDocument.safeParse(document);
    if (!claimed.success) {
      misdeeds.push(misdeedOf(peer.hotkey, 'schema', 'a statement that is no signed document'));
      continue;
    }
    // Signatures are the cost here (4 k/s), so what is held already is not verified again, nor what
    // every other peer relays as well.
    const bytes = encodeDocument(claimed.data);
    const text = Buffer.from(bytes).toString();
    if (have.has(claimed.data.hotkey) || verified.has(text)) continue;
    const checked = checkStatement(bytes, exchange.expected, deps.verify);
    if (checked.kind === 'rejected') {
      misdeeds.push(misdeedOf(peer.hotkey, checked.reason, checked.detail));
      continue;
    }
    have.add(checked.hotkey);
    verified.add(text);
    const { hotkey, body, signature, outcome } = checked;
    statements.push({ hotkey, body, signature, outcome });
  }
  return { items: statements, misdeeds };
}
