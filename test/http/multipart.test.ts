import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formField, isForm } from '#src/http/multipart.ts';

const form = async (fields: Readonly<Record<string, Uint8Array>>) => {
  const data = new FormData();
  for (const [name, bytes] of Object.entries(fields))
    data.append(name, new Blob([Buffer.from(bytes)]), 'a.tar.gz');
  const response = new Response(data);
  const type = response.headers.get('content-type') ?? '';
  return { type, body: new Uint8Array(await response.arrayBuffer()) };
};

test('a field’s bytes are what a client’s form put into it, whatever they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const { type, body } = await form({ other: Buffer.from('x'), archive: bytes });
      expect(Buffer.from(formField(body, type, 'archive') ?? [])).toEqual(Buffer.from(bytes));
      expect(formField(body, type, 'missing')).toBeNull();
    }),
    { numRuns: 50 },
  );
});

const TYPE = 'multipart/form-data; boundary=B';
const part = (name: string, text: string): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;

test.each<[string, string, string]>([
  ['of another type', 'application/gzip', `${part('archive', 'x')}--B--`],
  ['without a boundary', 'multipart/form-data', `${part('archive', 'x')}--B--`],
  ['without its end', TYPE, part('archive', 'x')],
  ['with the field twice', TYPE, `${part('archive', 'x')}${part('archive', 'y')}--B--`],
  [
    'with more fields than any client sends',
    TYPE,
    `${part('a', 'x').repeat(40)}${part('archive', 'x')}--B--`,
  ],
  ['that is empty', TYPE, ''],
])('a form %s has no field', (_name, type, body) => {
  expect(formField(Buffer.from(body), type, 'archive')).toBeNull();
});

test('any bytes are read without a fault', () => {
  const piece = fc.constantFrom(
    '--B',
    '--B--',
    '\r\n',
    '\r\n\r\n',
    'x',
    'Content-Disposition: form-data; name="archive"',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const field = formField(Buffer.from(pieces.join('')), TYPE, 'archive');
      expect(field === null || field instanceof Uint8Array).toBe(true);
    }),
  );
  expect(isForm('multipart/form-data-x')).toBe(false);
});
