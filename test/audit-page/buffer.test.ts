import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Buffer as BrowserBuffer } from '#src/audit-page/buffer.ts';

/** Those that the auditor reads and writes. */
const ENCODINGS = ['hex', 'base64', 'base64url', 'utf8', 'latin1', undefined] as const;

const text = fc.oneof(
  fc.string(),
  fc.base64String(),
  fc.stringMatching(/^[0-9a-fA-F]*$/),
  fc.stringMatching(/^[\w-]*=*$/),
  fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
);

describe('in a browser as in Node', () => {
  test.each(ENCODINGS)('bytes are written as %s', (encoding) => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const written = Buffer.from(bytes).toString(encoding);
        expect(BrowserBuffer.from(bytes).toString(encoding)).toBe(written);
        expect([...BrowserBuffer.from(written, encoding)]).toEqual([
          ...Buffer.from(written, encoding),
        ]);
      }),
    );
  });

  test.each(['utf8', 'latin1', undefined] as const)('any text is read as %s', (encoding) => {
    fc.assert(
      fc.property(text, (value) => {
        expect([...BrowserBuffer.from(value, encoding)]).toEqual([...Buffer.from(value, encoding)]);
        expect(BrowserBuffer.byteLength(value, encoding)).toBe(Buffer.byteLength(value, encoding));
      }),
    );
  });

  // What is malformed they read differently: the auditor refuses it, because it is not written the same again.
  test.each(['hex', 'base64', 'base64url'] as const)(
    'the same text is canonical %s',
    (encoding) => {
      fc.assert(
        fc.property(text, (value) => {
          const bytes = canonical(() => Buffer.from(value, encoding), value, encoding);
          expect(canonical(() => BrowserBuffer.from(value, encoding), value, encoding)).toEqual(
            bytes,
          );
        }),
      );
    },
  );

  test('what is made of parts, compared and cut is the same', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), fc.uint8Array(), fc.nat(20), (parts, other, at) => {
        const [browser, node] = [BrowserBuffer.concat(parts), Buffer.concat(parts)];
        expect([...browser]).toEqual([...node]);
        expect(BrowserBuffer.compare(browser, other)).toBe(Buffer.compare(node, other));
        // safe: Node's takes any bytes, so this one has to
        expect(browser.equals(other as typeof browser)).toBe(node.equals(other));
        expect(browser.subarray(at).toString()).toBe(node.subarray(at).toString());
        expect(browser.toString('utf8', at, at + 5)).toBe(node.toString('utf8', at, at + 5));
        const { buffer, byteOffset, length } = other;
        expect(BrowserBuffer.from(buffer, byteOffset, length).toString('hex')).toBe(
          Buffer.from(buffer, byteOffset, length).toString('hex'),
        );
      }),
    );
  });
});

function canonical(
  read: () => Uint8Array & { toString: (encoding: BufferEncoding) => string },
  value: string,
  encoding: BufferEncoding,
): readonly number[] | null {
  const bytes = read();
  return bytes.toString(encoding) === value ? [...bytes] : null;
}
