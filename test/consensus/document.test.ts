import { describe, expect, test } from 'vitest';
import { openDocument, rejected } from '#src/consensus/document.ts';
import { encodeDocument, signDocument } from '#src/consensus/signed.ts';
import { encode, encodeBytes } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { Detail } from '#src/events/scalars.ts';
import { fakeSigner, hotkeyOf } from './fake-keys.ts';

const document = signDocument('text/x', '{"a":1}', fakeSigner(hotkeyOf('A')));

describe('openDocument', () => {
  test('gives the body as JSON, from bytes and from a value', () => {
    const opened = { kind: 'opened', document, digest: sha256(document.body), json: { a: 1 } };
    expect(openDocument(encodeDocument(document), 'text/x')).toEqual(opened);
    expect(openDocument(document, 'text/x')).toEqual(opened);
  });

  test('a detail of many faults is cut to what an event takes', () => {
    const extra = Object.fromEntries(
      Array.from({ length: 90 }, (_, index) => [`field${index}`, 0]),
    );
    const refused = openDocument(encodeBytes({ ...document, ...extra }), 'text/x');
    if (refused.kind === 'opened') return expect.unreachable();
    expect(refused.detail).toHaveLength(400);
    return expect(Detail.safeParse(refused.detail).success).toBe(true);
  });
});

describe('rejected', () => {
  test('a detail that is cut within a character still has a canonical form', () => {
    for (const start of ['', 'x']) {
      const { detail } = rejected('schema', start + '😂'.repeat(300), null);
      expect(() => encode(detail)).not.toThrow();
    }
  });
});
