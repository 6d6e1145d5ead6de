import { hash as hashOfNode } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hash } from '#src/audit-page/node-crypto.ts';

describe('in a browser as in Node', () => {
  test.each(['sha256', 'sha512'])('%s has the same bytes and digits', (algorithm) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (data) => {
        expect(hash(algorithm, data, 'hex')).toBe(hashOfNode(algorithm, data, 'hex'));
        expect(hash(algorithm, data, 'buffer')).toEqual(hashOfNode(algorithm, data, 'buffer'));
      }),
    );
  });

  test('a hash of text is that of its UTF-8', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }),
        (text) => {
          expect(hash('sha256', text, 'hex')).toBe(hashOfNode('sha256', text, 'hex'));
        },
      ),
    );
  });

  test('SHAKE256 gives as many bytes as are asked for', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 600 }), (data, outputLength) => {
        const output = { outputLength, outputEncoding: 'binary' } as const;
        expect(hash('shake256', data, output)).toBe(hashOfNode('shake256', data, output));
      }),
    );
  });

  test('a hash that the auditor has no use for is refused', () => {
    expect(() => hash('md5', '', 'hex')).toThrow('no hash md5');
  });
});
