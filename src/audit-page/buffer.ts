import { Buffer as Polyfill } from 'buffer/';

const encoder = new TextEncoder();
/** As Node's: a byte-order mark is a character, and what is no UTF-8 becomes U+FFFD. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const from = Polyfill.from.bind(Polyfill) as (...parts: readonly unknown[]) => Polyfill; // safe: its overloads, as one
const { byteLength } = Polyfill;
const { toString } = Polyfill.prototype;

Object.assign(Polyfill, {
  from: (value: unknown, encoding?: unknown, length?: unknown): Polyfill => {
    if (typeof value !== 'string') return from(value, encoding, length);
    if (isUtf8(encoding)) return from(encoder.encode(value).buffer);
    // Either alphabet of base64 is decoded, but only the one is written.
    return from(value, encoding === 'base64url' ? 'base64' : encoding);
  },
  byteLength: (value: Parameters<typeof byteLength>[0], encoding?: BufferEncoding): number =>
    typeof value === 'string' && isUtf8(encoding)
      ? encoder.encode(value).length
      : byteLength(value, encoding),
});
Polyfill.prototype.toString = function (encoding, start, end) {
  if (isUtf8(encoding)) return decoder.decode(this.subarray(start, end));
  if (encoding !== 'base64url') return toString.call(this, encoding, start, end);
  const base64 = toString.call(this, 'base64', start, end);
  return base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
};
/** Node compares with any bytes. */
Polyfill.prototype.equals = function (other) {
  return Polyfill.compare(this, other) === 0;
};

function isUtf8(encoding: unknown): boolean {
  return encoding === undefined || encoding === 'utf8';
}

/**
 * Node's Buffer in a browser, where every text and every byte has to be what it is there: the polyfill, with
 * UTF-8 by the browser's own coders and with base64url, which it lacks.
 */
export { Polyfill as Buffer };
