import { verifySr25519 } from '../../chain/hotkey.ts';
import { loadConfig } from '../../config.ts';
import { verifyCertificate } from '../../consensus/certificate.ts';
import { digestOf } from '../../consensus/outcome.ts';
import { AppError } from '../../errors.ts';
import type { Certificate, Outcome } from '../../events/decision.ts';
import type { Voter } from '../../events/snapshot.ts';
import { hotkeyOf, MINERS, stakeOf } from './cast.ts';

/** Where an answer about a decision goes on with what differs between validators: who signed, in which order. */
const STATEMENTS = ',"statements":[';

/**
 * The decision and its inputs as they were served: the bytes of the answer up to its statements, neither
 * parsed nor encoded again. Throws `subnet.failed` for an answer without statements.
 */
export function servedDecision(name: string, answer: Uint8Array): Buffer {
  const bytes = Buffer.from(answer);
  const end = bytes.indexOf(STATEMENTS);
  if (end < 0) throw new AppError('subnet.failed', { validator: name, found: 'no decision' });
  return bytes.subarray(0, end);
}

/**
 * Checks a certificate that a validator served as anybody would who trusts none of them: against the
 * stakes of the subnet that was set up and the subnet's own rules, not those that the validator names.
 * Gives the signed and the whole voting stake in rao. Throws `subnet.failed` with what is wrong.
 */
export function checkCertificate(
  name: string,
  certificate: Certificate,
  decided: Outcome,
): Readonly<{ signed: bigint; total: bigint }> {
  const failed = (found: string): AppError =>
    new AppError('subnet.failed', { run: decided.run, validator: name, found });
  if (digestOf(certificate.outcome) !== digestOf(decided))
    throw failed('a certificate of another outcome than the one decided');
  const quorum = loadConfig({}).EIREL_CERTIFICATE_QUORUM;
  const check = verifyCertificate(certificate, voters(), quorum, verifySr25519);
  if (check.kind === 'invalid') throw failed(`certificate ${check.reason}: ${check.detail}`);
  return check;
}

/** Who votes in the subnet that was set up: everybody with stake, since all of them have a permit. */
function voters(): readonly Voter[] {
  return Object.entries(stakeOf()).map(([name, stake], index) => ({
    hotkey: hotkeyOf(name),
    coldkey: hotkeyOf(`cold ${name}`),
    uid: MINERS.length + 1 + index,
    stake: String(stake),
    axon: null,
  }));
}
