import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildReport, checkReport, type ReportExpectation } from '#src/consensus/report.ts';
import { encodeDocument, MAX_DOCUMENT_BYTES, signDocument } from '#src/consensus/signed.ts';
import { STATEMENT_TYPE } from '#src/events/decision.ts';
import { encode, type Json } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { PeerReportRejected, REPORT_TYPE, type ReportBody } from '#src/events/report.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from './fake-keys.ts';

const [AUTHOR, OTHER, STRANGER] = [hotkeyOf('Author'), hotkeyOf('Peer'), hotkeyOf('Stranger')];
const expected: ReportExpectation = {
  genesis: 'a1'.repeat(32),
  netuid: 36,
  family: 'general_chat',
  run: 'run-7',
  roster: 'b2'.repeat(32),
  snapshotBlock: 100,
  hotkey: AUTHOR,
  voters: new Set([AUTHOR, OTHER]),
};
const { voters: _, ...place } = expected;
const fields = {
  ...place,
  hotkey: AUTHOR,
  scores: { [hotkeyOf('M1')]: 850_000_000, [hotkeyOf('M2')]: 0 },
};
const whole: ReportBody = { ...fields, v: 'eirel/scores/2', unit: '1e-9' };

describe('checkReport', () => {
  test('the report of the run that was asked for is accepted, with its own bytes', () => {
    const body = buildReport(fields);
    expect(check(signed(body))).toEqual({
      kind: 'accepted',
      hotkey: AUTHOR,
      body,
      signature: fakeSigner(AUTHOR).sign(
        Buffer.from(`DSSEv1 ${REPORT_TYPE.length} ${REPORT_TYPE} ${body.length} ${body}`),
      ),
      digest: sha256(body),
      scores: fields.scores,
    });
  });

  test('a relayed report of any voter is accepted', () => {
    const raw = signed(buildReport({ ...fields, hotkey: OTHER }), OTHER);
    expect(checkReport(raw, { ...expected, hotkey: null }, fakeVerify)).toMatchObject({
      kind: 'accepted',
      hotkey: OTHER,
    });
  });

  test.each<[keyof ReportBody, Json, string]>([
    ['genesis', 'ff'.repeat(32), 'wrong-network'],
    ['netuid', 37, 'wrong-netuid'],
    ['family', 'coding', 'wrong-family'],
    ['run', 'run-8', 'wrong-run'],
    ['roster', 'ff'.repeat(32), 'wrong-roster'],
    ['snapshotBlock', 101, 'wrong-snapshot'],
    ['hotkey', OTHER, 'wrong-hotkey'],
    ['v', 'eirel/scores/1', 'schema'],
    ['unit', '1e-6', 'schema'],
    ['scores', null, 'schema'],
  ])('a report with another %s (%s) is refused: %s', (field, value, reason) => {
    const body = encode({ ...whole, [field]: value });
    expect(check(signed(body))).toMatchObject({ kind: 'rejected', reason, digest: sha256(body) });
  });

  test('a report of somebody else than was asked for is refused', () => {
    expect(check(signed(buildReport({ ...fields, hotkey: OTHER }), OTHER))).toMatchObject({
      reason: 'wrong-hotkey',
    });
  });

  test('a report of somebody who does not vote is refused', () => {
    const raw = signed(buildReport({ ...fields, hotkey: STRANGER }), STRANGER);
    expect(checkReport(raw, { ...expected, hotkey: null }, fakeVerify)).toMatchObject({
      reason: 'unknown-hotkey',
    });
  });

  test('a copied report under the own name is refused', () => {
    const copy = {
      ...signDocument(REPORT_TYPE, buildReport({ ...fields, hotkey: OTHER }), fakeSigner(OTHER)),
      hotkey: AUTHOR,
    };
    expect(check(encodeDocument(copy))).toMatchObject({ reason: 'wrong-hotkey' });
  });

  test.each<[string, string, string]>([
    ['a score of 1.5', scoresText('1.5'), 'not-canonical'],
    ['a score of NaN', scoresText('NaN'), 'not-canonical'],
    ['a score of 1e999', scoresText('1e999'), 'not-canonical'],
    ['a score of -0', scoresText('-0'), 'not-canonical'],
    ['a score beyond 2^53', scoresText('9007199254740993'), 'not-canonical'],
    ['a miner that is scored twice', scoresText(`1,"${hotkeyOf('M1')}":2`), 'not-canonical'],
    ['a score of -1', scoresText('-1'), 'score-out-of-range'],
    ['a score of 2e9', scoresText('2000000000'), 'score-out-of-range'],
    ['a score one unit above 1', scoresText('1000000001'), 'score-out-of-range'],
    ['a score that is text', scoresText('"1"'), 'schema'],
    ['a score that is null', scoresText('null'), 'schema'],
    ['a miner that is no hotkey', encode({ ...whole, scores: { miner: 1 } }), 'schema'],
    ['257 miners', encode({ ...whole, scores: manyScores(257) }), 'too-many-miners'],
    ['a further field', encode({ ...whole, extra: 1 }), 'schema'],
    ['a body that is no object', '[1]', 'schema'],
    ['a body with a space', buildReport(fields).replace(',', ', '), 'not-canonical'],
    ['an empty body', '', 'not-canonical'],
  ])('%s is refused', (_name, body, reason) => {
    expect(check(signed(body))).toMatchObject({ kind: 'rejected', reason, digest: sha256(body) });
  });

  test('256 miners are accepted', () => {
    expect(check(signed(buildReport({ ...fields, scores: manyScores(256) })))).toMatchObject({
      kind: 'accepted',
    });
  });

  test.each<[string, Record<string, Json>, string]>([
    ['another signature', { signature: '0'.repeat(128) }, 'bad-signature'],
    ['a signature that is no hex', { signature: 'g'.repeat(128) }, 'schema'],
    ['another algorithm', { alg: 'ed25519' }, 'schema'],
    ['the type of another document', { type: STATEMENT_TYPE }, 'schema'],
    ['a further field', { extra: null }, 'schema'],
  ])('a document with %s is refused', (_name, change, reason) => {
    const document = signDocument(REPORT_TYPE, buildReport(fields), fakeSigner(AUTHOR));
    expect(check(Buffer.from(encode({ ...document, ...change })))).toMatchObject({
      kind: 'rejected',
      reason,
    });
  });

  test('a signature over another type of document does not count', () => {
    const document = {
      ...signDocument(STATEMENT_TYPE, buildReport(fields), fakeSigner(AUTHOR)),
      type: REPORT_TYPE,
    };
    expect(check(encodeDocument(document))).toMatchObject({ reason: 'bad-signature' });
  });

  test.each<[string, Uint8Array, string]>([
    ['nothing', Buffer.alloc(0), 'not-canonical'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe]), 'not-canonical'],
    [
      'a bigger document than any report needs',
      Buffer.alloc(MAX_DOCUMENT_BYTES + 1, '['),
      'body-too-large',
    ],
    ['a document nested without end', Buffer.alloc(MAX_DOCUMENT_BYTES, '['), 'not-canonical'],
    [
      'a body of more bytes than characters allow',
      signed(`"${'€'.repeat(10_000)}"`),
      'body-too-large',
    ],
  ])('%s is refused', (_name, raw, reason) => {
    expect(check(raw)).toMatchObject({ kind: 'rejected', reason });
  });

  test('the signature is looked at last: nothing wrong elsewhere costs a verification', () => {
    const bodies = [
      { ...whole, run: 'run-8' },
      { ...whole, netuid: 37 },
      { ...whole, hotkey: OTHER },
    ];
    const verifier = () => expect.unreachable('verified a report that was refused anyway');
    for (const body of bodies)
      expect(checkReport(signed(encode(body)), expected, verifier).kind).toBe('rejected');
  });

  test('a refusal always fits its event, whatever text an attacker put into it', () => {
    const family = '😂'.repeat(500);
    const bodies = [
      `"${'😂'.repeat(12)}x" 1`,
      encode({ ...whole, family }),
      `a${'😂'.repeat(300)}`,
    ];
    for (const body of bodies) {
      const checked = check(signed(body));
      if (checked.kind === 'accepted') return expect.unreachable();
      const { reason, detail, digest } = checked;
      const data = { family: 'general_chat', run: 'run-7', peer: AUTHOR, reason, detail, digest };
      expect(encode(PeerReportRejected.data.parse(data)).isWellFormed()).toBe(true);
    }
    return undefined;
  });

  test('no bytes make it throw', () => {
    const raw = signed(buildReport(fields));
    const damaged = fc
      .array(fc.tuple(fc.nat(raw.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const copy = Buffer.from(raw);
        for (const [at, byte] of changes) copy[at] = byte;
        return copy;
      })
      .filter((copy) => !copy.equals(raw));
    const documents = fc.record({
      alg: fc.constant('sr25519'),
      body: fc.oneof(
        fc.json(),
        fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
      ),
      hotkey: fc.constant(AUTHOR),
      signature: fc.constant('0'.repeat(128)),
      type: fc.constant(REPORT_TYPE),
    });
    const bytes = fc.oneof(
      fc.uint8Array(),
      damaged,
      documents.map((document) => Buffer.from(encode(document))),
    );
    fc.assert(
      fc.property(bytes, (attack) => {
        expect(check(attack).kind).toBe('rejected');
      }),
    );
  });
});

function check(raw: Uint8Array) {
  return checkReport(raw, expected, fakeVerify);
}

function signed(body: string, hotkey = AUTHOR): Uint8Array {
  return encodeDocument(signDocument(REPORT_TYPE, body, fakeSigner(hotkey)));
}

/** A body whose one score is this text. */
function scoresText(score: string): string {
  return encode({ ...whole, scores: { [hotkeyOf('M1')]: 0 } }).replace(/:0\}/, `:${score}}`);
}

function manyScores(count: number): Record<string, number> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [hotkeyOf(`M${index}x`), index]),
  );
}
