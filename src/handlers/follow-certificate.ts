import { verifyCertificate } from '../consensus/certificate.ts';
import { digestOf, roundOf } from '../consensus/outcome.ts';
import { Certificate } from '../events/decision.ts';
import { MAX_EVENT_BYTES } from '../events/envelope.ts';
import {
  type AskDeps,
  type AskEachDeps,
  type Asked,
  askEach,
  askPeer,
  faulty,
  type Peer,
  readAnswer,
  together,
  withoutBody,
} from './ask-peers.ts';
import type { DecisionExchange } from './exchange-decisions.ts';

/** A certificate that passed every check, with the stake behind it in rao. */
export type Certified = Readonly<{ certificate: Certificate; signed: bigint; total: bigint }>;

/**
 * Certificates of other outcomes than our own, from the peers that signed those: where enough stake
 * signed one, a validator that missed a report follows. What does not pass is the peer's misdeed.
 */
export async function followCertificate(
  exchange: DecisionExchange,
  peers: readonly Peer[],
  deps: AskDeps & AskEachDeps,
): Promise<Asked<Certified>> {
  const own = digestOf(exchange.decision.outcome);
  const others = new Set(
    exchange.statements.filter(({ outcome }) => outcome !== own).map(({ hotkey }) => hotkey),
  );
  return together(
    await askEach(
      peers.filter(({ hotkey }) => others.has(hotkey)),
      (peer, signal) => askForCertificate(peer, exchange, { ...deps, signal }),
      deps,
    ),
  );
}

async function askForCertificate(
  peer: Peer,
  exchange: DecisionExchange,
  deps: AskDeps,
): Promise<Asked<Certified>> {
  const { voters, rules, expected, decision } = exchange;
  const path = `/v1/consensus/certificates/${expected.run}?family=${expected.family}`;
  const answer = await askPeer(peer, path, { ...deps, maxBytes: MAX_EVENT_BYTES });
  if (answer.kind !== 'body') return withoutBody(answer);
  const read = readAnswer(peer, answer.body, (json) => Certificate.safeParse(json).data ?? null);
  if (read.kind === 'misdeed') return withoutBody(read);

  const certificate = read.value;
  if (roundOf(certificate.outcome) !== roundOf(decision.outcome)) {
    return faulty(peer.hotkey, 'wrong-certificate', 'the certificate of another round');
  }
  const checked = verifyCertificate(certificate, voters, rules.certificateQuorum, deps.verify);
  if (checked.kind === 'invalid') {
    return faulty(peer.hotkey, 'wrong-certificate', `${checked.reason}: ${checked.detail}`);
  }
  return { items: [{ certificate, signed: checked.signed, total: checked.total }], misdeeds: [] };
}
