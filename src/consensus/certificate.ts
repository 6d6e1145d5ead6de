import { type Certificate, type Outcome, STATEMENT_TYPE, Statement } from '../events/decision.ts';
import { decode } from '../events/ej1.ts';
import type { Fraction } from '../events/scalars.ts';
import type { Voter } from '../events/snapshot.ts';
import type { Verify } from './keys.ts';
import { digestOf } from './outcome.ts';
import { reaches, stakeOf } from './quorum.ts';
import { pae } from './signed.ts';
import { buildStatement } from './statement.ts';

/** A signed decision that passed `checkStatement`, or our own. */
export type SignedStatement = Readonly<{ hotkey: string; body: string; signature: string }>;

/** The signed stake against all voters' stake, in rao; `short` is below the quorum. */
export type Certification =
  | Readonly<{ kind: 'certificate'; certificate: Certificate; signed: bigint; total: bigint }>
  | Readonly<{ kind: 'short'; signed: bigint; total: bigint }>;

/**
 * Gathers the voters' signatures of one outcome into a certificate when their stake over all voters'
 * stake reaches `quorum`. Each hotkey counts once, whatever it signed how often; statements of another
 * outcome and of nobody who votes count nothing. Signatures are not verified again here.
 */
export function buildCertificate(facts: {
  outcome: Outcome;
  statements: readonly SignedStatement[];
  voters: readonly Voter[];
  quorum: Fraction;
}): Certification {
  const { outcome, statements, voters, quorum } = facts;
  const digest = digestOf(outcome);
  const voting = new Set(voters.map(({ hotkey }) => hotkey));
  const byHotkey = new Map<string, Certificate['signatures'][number]>();
  for (const { hotkey, body, signature } of statements.toSorted(byContent)) {
    const inputs = inputsOf(body);
    // Only the text that a verifier will rebuild from the certificate may stand in it.
    if (inputs === undefined || body !== bodyOf(outcome, digest, { hotkey, inputs })) continue;
    if (voting.has(hotkey)) byHotkey.set(hotkey, { hotkey, inputs, signature });
  }
  const signatures = [...byHotkey.values()];
  const signers = voters.filter(({ hotkey }) => byHotkey.has(hotkey));
  const [signed, total] = [stakeOf(signers), stakeOf(voters)];
  if (!reaches(signed, total, quorum)) return { kind: 'short', signed, total };
  return {
    kind: 'certificate',
    certificate: { v: 'eirel/certificate/1', outcome, signatures },
    signed,
    total,
  };
}

export type CertificateCheck =
  | Readonly<{ kind: 'valid'; signed: bigint; total: bigint }>
  | Readonly<{
      kind: 'invalid';
      reason: 'unsorted-or-repeated' | 'unknown-hotkey' | 'quorum-missed' | 'bad-signature';
      detail: string;
    }>;

/**
 * Checks a certificate that anybody may have written: signers sorted and distinct, all of them voters,
 * their stake at the quorum, and every signature over the statement that the outcome implies. The
 * voters must come from the snapshot that `outcome.open` names by its digest.
 */
export function verifyCertificate(
  certificate: Certificate,
  voters: readonly Voter[],
  quorum: Fraction,
  verify: Verify,
): CertificateCheck {
  const { outcome, signatures } = certificate;
  const known = new Set(voters.map(({ hotkey }) => hotkey));
  for (const [index, { hotkey }] of signatures.entries()) {
    const previous = signatures[index - 1]?.hotkey ?? '';
    if (hotkey <= previous) return invalid('unsorted-or-repeated', `${hotkey} after ${previous}`);
    if (!known.has(hotkey)) return invalid('unknown-hotkey', `${hotkey} is no voter`);
  }
  const signers = new Set(signatures.map(({ hotkey }) => hotkey));
  const signed = stakeOf(voters.filter(({ hotkey }) => signers.has(hotkey)));
  const total = stakeOf(voters);
  if (!reaches(signed, total, quorum)) {
    return invalid('quorum-missed', `${signed} of ${total} rao, ${quorum.num}/${quorum.den} asked`);
  }
  const digest = digestOf(outcome);
  for (const entry of signatures) {
    const message = pae(STATEMENT_TYPE, bodyOf(outcome, digest, entry));
    if (!verify(message, entry.signature, entry.hotkey))
      return invalid('bad-signature', entry.hotkey);
  }
  return { kind: 'valid', signed, total };
}

/** The statement that a signer of this outcome signed. */
function bodyOf(
  { genesis, netuid, family, run }: Outcome,
  outcome: string,
  { hotkey, inputs }: { hotkey: string; inputs: string },
): string {
  return buildStatement({ genesis, netuid, family, run, hotkey, outcome, inputs });
}

function inputsOf(body: string): string | undefined {
  try {
    return Statement.safeParse(decode(body)).data?.inputs;
  } catch {
    // Not canonical, so no statement: it is left out like one of another outcome.
    return undefined;
  }
}

/** By hotkey, then text, so that the same statements make the same certificate in any order. */
function byContent(a: SignedStatement, b: SignedStatement): number {
  return (
    compare(a.hotkey, b.hotkey) || compare(a.body, b.body) || compare(a.signature, b.signature)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function invalid(
  reason: Extract<CertificateCheck, { kind: 'invalid' }>['reason'],
  detail: string,
): CertificateCheck {
  return { kind: 'invalid', reason, detail };
}
