import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildCertificate,
  type SignedStatement,
  verifyCertificate,
} from '#src/consensus/certificate.ts';
import { decide } from '#src/consensus/decide.ts';
import { digestOf } from '#src/consensus/outcome.ts';
import { signDocument } from '#src/consensus/signed.ts';
import { buildStatement } from '#src/consensus/statement.ts';
import { Certificate, type Outcome, STATEMENT_TYPE } from '#src/events/decision.ts';
import type { Voter } from '#src/events/snapshot.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from './fake-keys.ts';
import { sampleFacts } from './sample-facts.ts';

const QUORUM = { num: 2, den: 3 };
const { outcome } = decide(sampleFacts()).decision;
const other: Outcome = { ...outcome, targetBlock: outcome.targetBlock + 1 };
const voters: readonly Voter[] = [40, 30, 20, 10].map((stake, uid) => ({
  hotkey: hotkeyOf(`V${uid + 1}`),
  coldkey: hotkeyOf(`C${uid + 1}`),
  uid,
  stake: String(stake),
  axon: null,
}));

describe('buildCertificate', () => {
  test('two thirds of the stake on one outcome make a certificate that verifies', () => {
    const built = certify([sign('V3'), sign('X1'), sign('V1'), sign('V4')]);
    if (built.kind === 'short') return expect.unreachable();
    expect(built).toMatchObject({ signed: 70n, total: 100n });
    expect(built.certificate.signatures.map(({ hotkey }) => hotkey)).toEqual(
      ['V1', 'V3', 'V4'].map(hotkeyOf),
    );
    expect(Certificate.parse(built.certificate)).toEqual(built.certificate);
    return expect(verify(built.certificate)).toEqual({ kind: 'valid', signed: 70n, total: 100n });
  });

  test.each<[string, readonly SignedStatement[], bigint]>([
    ['less stake than the quorum', [sign('V1'), sign('V3')], 60n],
    [
      'one signer many times',
      [sign('V1'), sign('V1'), sign('V1', { inputs: 'ee'.repeat(32) })],
      40n,
    ],
    [
      'signatures of another outcome',
      [sign('V1'), sign('V2', { outcome: other }), sign('V3', { outcome: other })],
      40n,
    ],
    ['signatures of hotkeys that do not vote', [sign('V1'), sign('X1'), sign('X2')], 40n],
    ['statements of another run', [sign('V1'), sign('V2', { run: 'run-8' })], 40n],
    [
      'statements that one hotkey wrote in the name of another',
      [sign('V1'), { ...sign('V2'), hotkey: hotkeyOf('V3') }],
      40n,
    ],
    [
      'bodies that are no statements',
      [sign('V1'), { ...sign('V2'), body: '{}' }, { ...sign('V3'), body: 'x' }],
      40n,
    ],
    ['nothing', [], 0n],
  ])('%s makes none', (_name, statements, signed) => {
    expect(certify(statements)).toEqual({ kind: 'short', signed, total: 100n });
  });

  test('no set of statements below the quorum makes one, whatever is repeated or foreign', () => {
    const statement = fc.record({
      name: fc.constantFrom('V1', 'V2', 'V3', 'V4', 'X1', 'X2'),
      outcome: fc.constantFrom(outcome, other),
      inputs: fc.constantFrom('d4'.repeat(32), 'ee'.repeat(32)),
    });
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 24 }), (list) => {
        const built = certify(list.map(({ name, ...change }) => sign(name, change)));
        const ours = new Set(
          list.filter((entry) => entry.outcome === outcome).map(({ name }) => hotkeyOf(name)),
        );
        const signed = voters.reduce(
          (sum, { hotkey, stake }) => sum + (ours.has(hotkey) ? Number(stake) : 0),
          0,
        );
        expect(built.signed).toBe(BigInt(signed));
        expect(built.kind).toBe(3 * signed >= 200 ? 'certificate' : 'short');
      }),
    );
  });

  test('the same statements in any order make the same certificate', () => {
    const statements = [
      sign('V1'),
      sign('V1', { inputs: 'ee'.repeat(32) }),
      sign('V2'),
      sign('V4'),
      sign('X1'),
    ];
    const orders = fc.shuffledSubarray(statements, { minLength: statements.length });
    fc.assert(
      fc.property(orders, (order) => {
        expect(certify(order)).toEqual(certify(statements));
      }),
    );
  });
});

describe('verifyCertificate', () => {
  const certificate = certificateOf('V1', 'V2', 'V3');

  test.each<[string, Certificate, string]>([
    ['a signature less than the quorum', certificateOf('V1', 'V3'), 'quorum-missed'],
    ['no signature', certificateOf(), 'quorum-missed'],
    ['a signer twice', certificateOf('V1', 'V1', 'V1'), 'unsorted-or-repeated'],
    ['signers out of order', certificateOf('V2', 'V1'), 'unsorted-or-repeated'],
    ['a signer that does not vote', certificateOf('V1', 'V2', 'X1'), 'unknown-hotkey'],
    ['another outcome', { ...certificate, outcome: other }, 'bad-signature'],
    [
      'another kind of outcome',
      { ...certificate, outcome: { ...outcome, kind: 'hold' } },
      'bad-signature',
    ],
    ['another inputs digest', withSignature({ inputs: 'ff'.repeat(32) }), 'bad-signature'],
    ['a damaged signature', withSignature({ signature: '0'.repeat(128) }), 'bad-signature'],
    [
      "another signer's signature",
      withSignature({ signature: sign('V2').signature }),
      'bad-signature',
    ],
  ])('%s is found', (_name, forged, reason) => {
    expect(verify(forged)).toMatchObject({ kind: 'invalid', reason });
  });

  test('a certificate does not count under other voters', () => {
    const heavier = voters.map((voter) => ({
      ...voter,
      stake: voter.hotkey === hotkeyOf('V4') ? '100' : voter.stake,
    }));
    expect(verifyCertificate(certificate, heavier, QUORUM, fakeVerify)).toMatchObject({
      reason: 'quorum-missed',
    });
  });

  function withSignature(change: Partial<Certificate['signatures'][number]>): Certificate {
    const [first, ...others] = certificate.signatures;
    return {
      ...certificate,
      signatures: first === undefined ? [] : [{ ...first, ...change }, ...others],
    };
  }
});

function certify(statements: readonly SignedStatement[]) {
  return buildCertificate({ outcome, statements, voters, quorum: QUORUM });
}

function verify(certificate: Certificate) {
  return verifyCertificate(certificate, voters, QUORUM, fakeVerify);
}

/** A certificate as a forger may write it: any signers in any order. */
function certificateOf(...names: readonly string[]): Certificate {
  const signatures = names.map((name) => ({
    hotkey: hotkeyOf(name),
    inputs: 'd4'.repeat(32),
    signature: sign(name).signature,
  }));
  return { v: 'eirel/certificate/1', outcome, signatures };
}

function sign(
  name: string,
  change: { outcome?: Outcome; inputs?: string; run?: string } = {},
): SignedStatement {
  const { genesis, netuid, family, run } = outcome;
  const body = buildStatement({
    genesis,
    netuid,
    family,
    run: change.run ?? run,
    hotkey: hotkeyOf(name),
    outcome: digestOf(change.outcome ?? outcome),
    inputs: change.inputs ?? 'd4'.repeat(32),
  });
  return signDocument(STATEMENT_TYPE, body, fakeSigner(hotkeyOf(name)));
}
