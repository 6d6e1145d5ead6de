import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeDocument, signDocument } from '#src/consensus/signed.ts';
import {
  buildStatement,
  checkStatement,
  type StatementExpectation,
} from '#src/consensus/statement.ts';
import { STATEMENT_TYPE } from '#src/events/decision.ts';
import { decode, encode, type Json } from '#src/events/ej1.ts';
import { REPORT_TYPE } from '#src/events/report.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from './fake-keys.ts';

const [AUTHOR, OTHER, STRANGER] = [hotkeyOf('Author'), hotkeyOf('Peer'), hotkeyOf('Stranger')];
const expected: StatementExpectation = {
  genesis: 'a1'.repeat(32),
  netuid: 36,
  family: 'general_chat',
  run: 'run-7',
  hotkey: AUTHOR,
  voters: new Set([AUTHOR, OTHER]),
};
const { voters: _, ...place } = expected;
const fields = { ...place, hotkey: AUTHOR, outcome: 'c3'.repeat(32), inputs: 'd4'.repeat(32) };
const whole = { ...fields, v: 'eirel/decision/1' };

describe('checkStatement', () => {
  test('the decision of the run that was asked for is accepted', () => {
    const body = buildStatement(fields);
    const { signature } = signDocument(STATEMENT_TYPE, body, fakeSigner(AUTHOR));
    const { outcome, inputs } = fields;
    expect(check(signed(body))).toEqual({
      kind: 'accepted',
      hotkey: AUTHOR,
      body,
      signature,
      outcome,
      inputs,
    });
  });

  test('a decision that stood in a list of documents is accepted as a value', () => {
    const document = decode(Buffer.from(signed(buildStatement(fields))).toString());
    expect(checkStatement(document, { ...expected, hotkey: null }, fakeVerify)).toMatchObject({
      kind: 'accepted',
    });
  });

  test.each<[string, Json, string]>([
    ['genesis', 'ff'.repeat(32), 'wrong-network'],
    ['netuid', 37, 'wrong-netuid'],
    ['family', 'coding', 'wrong-family'],
    ['run', 'run-8', 'wrong-run'],
    ['hotkey', OTHER, 'wrong-hotkey'],
    ['v', 'eirel/decision/2', 'schema'],
    ['outcome', 'none', 'schema'],
    ['inputs', 7, 'schema'],
  ])('a decision with another %s (%s) is refused: %s', (field, value, reason) => {
    expect(check(signed(encode({ ...whole, [field]: value })))).toMatchObject({
      kind: 'rejected',
      reason,
    });
  });

  test('a decision of somebody else, or of nobody who votes, is refused', () => {
    expect(check(signed(buildStatement({ ...fields, hotkey: OTHER }), OTHER))).toMatchObject({
      reason: 'wrong-hotkey',
    });
    const stranger = signed(buildStatement({ ...fields, hotkey: STRANGER }), STRANGER);
    expect(checkStatement(stranger, { ...expected, hotkey: null }, fakeVerify)).toMatchObject({
      reason: 'unknown-hotkey',
    });
  });

  test('a changed outcome under the old signature is refused', () => {
    const document = signDocument(STATEMENT_TYPE, buildStatement(fields), fakeSigner(AUTHOR));
    const forged = { ...document, body: buildStatement({ ...fields, outcome: 'ff'.repeat(32) }) };
    expect(check(encodeDocument(forged))).toMatchObject({ reason: 'bad-signature' });
  });

  test('the signature of a report is none of a decision', () => {
    const document = {
      ...signDocument(REPORT_TYPE, buildStatement(fields), fakeSigner(AUTHOR)),
      type: STATEMENT_TYPE,
    };
    expect(check(encodeDocument(document))).toMatchObject({ reason: 'bad-signature' });
  });

  test('a body beyond what an event takes is refused', () => {
    expect(check(signed(encode('x'.repeat(1_100))))).toMatchObject({ reason: 'body-too-large' });
  });

  test('no value makes it throw', () => {
    const json = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text): Json => JSON.parse(text) as Json),
    ); // safe: JSON.parse gives JSON
    fc.assert(
      fc.property(json, (attack) => {
        expect(checkStatement(attack, expected, fakeVerify).kind).toBe('rejected');
      }),
    );
  });
});

function check(raw: Uint8Array) {
  return checkStatement(raw, expected, fakeVerify);
}

function signed(body: string, hotkey = AUTHOR): Uint8Array {
  return encodeDocument(signDocument(STATEMENT_TYPE, body, fakeSigner(hotkey)));
}
