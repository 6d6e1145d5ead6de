import { beforeAll, expect, test } from 'vitest';
import { cryptoReady } from '#src/chain/hotkey.ts';
import { devSigner, FAMILY, hotkeyOf, NETUID } from '#src/cli/subnet/cast.ts';
import { checkCertificate, servedDecision } from '#src/cli/subnet/verify-run.ts';
import { digestOf } from '#src/consensus/outcome.ts';
import { signDocument } from '#src/consensus/signed.ts';
import { buildStatement } from '#src/consensus/statement.ts';
import { type Certificate, type Outcome, STATEMENT_TYPE } from '#src/events/decision.ts';
import { sha256 } from '#src/events/hash.ts';

beforeAll(cryptoReady);

const outcome: Outcome = {
  v: 'eirel/outcome/1',
  rules: 'swm/1',
  genesis: sha256('genesis'),
  netuid: NETUID,
  family: FAMILY,
  run: 'run-1',
  roster: sha256('roster'),
  open: { known: false, reason: 'unavailable' },
  kind: 'hold',
  reason: 'quorum-missed',
  winner: null,
  vector: null,
  targetBlock: 113,
};

function certificateOf(names: readonly string[], of: Outcome = outcome): Certificate {
  const { genesis, netuid, family, run } = of;
  const signatures = names.map((name) => {
    const [hotkey, inputs] = [hotkeyOf(name), sha256('inputs')];
    const facts = { genesis, netuid, family, run, hotkey, outcome: digestOf(of), inputs };
    const { signature } = signDocument(STATEMENT_TYPE, buildStatement(facts), devSigner(name));
    return { hotkey, inputs, signature };
  });
  return {
    v: 'eirel/certificate/1',
    outcome: of,
    signatures: signatures.toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1)),
  };
}

test('a certificate of two thirds of the stake gives the stake that signed it', () => {
  const { signed, total } = checkCertificate('v1', certificateOf(['v1', 'v2', 'v3']), outcome);
  expect(3n * signed).toBeGreaterThanOrEqual(2n * total);
});

test.for([
  ['too little stake', () => certificateOf(['v1', 'v3', 'v4']), 'quorum-missed'],
  ['a signer who does not vote', () => certificateOf(['v1', 'v2', 'v3', 'v13']), 'unknown-hotkey'],
  [
    'a signature of something else',
    () => {
      const { signatures } = certificateOf(['v1', 'v2', 'v3'], { ...outcome, run: 'run-2' });
      return { ...certificateOf([]), signatures };
    },
    'bad-signature',
  ],
  [
    'another outcome',
    () => certificateOf(['v1', 'v2', 'v3'], { ...outcome, targetBlock: 114 }),
    'another outcome',
  ],
] as const)('a certificate with %s fails the subnet', ([, certificate, found]) => {
  expect(() => checkCertificate('v1', certificate(), outcome)).toThrow(
    expect.objectContaining({ code: 'subnet.failed', message: expect.stringContaining(found) }),
  );
});

test('a decision is compared as it was served: one other byte shows, other statements do not', () => {
  const answer = (text: string) => servedDecision('v1', Buffer.from(text));
  const first = answer('{"decision":{"a":1},"statements":[1]}');
  expect(first.equals(answer('{"decision":{"a":1},"statements":[2]}'))).toBe(true);
  expect(first.equals(answer('{"decision":{"a": 1},"statements":[1]}'))).toBe(false);
  expect(() => answer('{}')).toThrow(expect.objectContaining({ code: 'subnet.failed' }));
});
