import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeDocument,
  MAX_DOCUMENT_BYTES,
  pae,
  SignedDocument,
  signDocument,
  verifyDocument,
} from '#src/consensus/signed.ts';
import { decodeBytes } from '#src/events/ej1.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from './fake-keys.ts';

const signer = fakeSigner(hotkeyOf('A'));

describe('pae', () => {
  test('is the encoding of the DSSE protocol', () => {
    const text = Buffer.from(pae('http://example.com/HelloWorld', 'hello world')).toString();
    expect(text).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  test('counts bytes, not characters', () => {
    expect(Buffer.from(pae('t', 'é€😂')).toString()).toBe('DSSEv1 1 t 9 é€😂');
    expect(Buffer.from(pae('', '')).toString()).toBe('DSSEv1 0  0 ');
  });

  test('two different pairs of type and body never give the same bytes', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '1', 'é') });
    fc.assert(
      fc.property(text, text, text, text, (type, body, otherType, otherBody) => {
        fc.pre(type !== otherType || body !== otherBody);
        expect(Buffer.compare(pae(type, body), pae(otherType, otherBody))).not.toBe(0);
      }),
    );
  });
});

describe('a signed document', () => {
  const document = signDocument('text/x', '{"a":1}', signer);

  test('verifies, and its bytes read back as itself', () => {
    expect(verifyDocument(document, fakeVerify)).toBe(true);
    expect(SignedDocument.parse(decodeBytes(encodeDocument(document)))).toEqual(document);
  });

  test.each([
    ['body', '{"a":2}'],
    ['type', 'text/y'],
    ['hotkey', hotkeyOf('B')],
    ['signature', '0'.repeat(128)],
  ])('does not verify with another %s', (field, value) => {
    expect(verifyDocument({ ...document, [field]: value }, fakeVerify)).toBe(false);
  });

  test.each([
    ['another algorithm', { alg: 'ed25519' }],
    ['a signature in upper case', { signature: 'A'.repeat(128) }],
    ['a short signature', { signature: '0'.repeat(126) }],
    ['a hotkey of another network', { hotkey: `1${'1'.repeat(46)}` }],
    ['a further field', { extra: 1 }],
  ])('%s is no signed document', (_name, change) => {
    expect(SignedDocument.safeParse({ ...document, ...change }).success).toBe(false);
  });

  test('the greatest body fits the greatest document', () => {
    const body = `{"${'a"'.repeat(1)}`.padEnd(20_000, '"');
    expect(encodeDocument({ ...document, body }).length).toBeLessThanOrEqual(MAX_DOCUMENT_BYTES);
  });
});
