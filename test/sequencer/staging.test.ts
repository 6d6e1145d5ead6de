import { describe, expect, test } from 'vitest';
import { decodeStaging, encodeStaging, stagingName } from '#src/sequencer/staging.ts';

const ROOT = 'ab'.repeat(32);
const STAGING = {
  from: 3,
  size: 300,
  root: ROOT,
  files: [
    { path: 'tile/entries/000', bytes: Buffer.from('two\nlines\n') },
    { path: 'tile/0/x001/000.p/7', bytes: Buffer.alloc(0) },
    { path: 'tile/1/000.p/1', bytes: Buffer.from([0, 10, 255]) },
  ],
};

test('a staging is read as it was written, under a name that says which log it holds', () => {
  expect(decodeStaging(encodeStaging(STAGING))).toEqual(STAGING);
  expect(decodeStaging(encodeStaging({ ...STAGING, files: [] })).files).toEqual([]);
  expect(stagingName(STAGING)).toBe(`300-${ROOT}`);
});

describe('what no staging is', () => {
  const bytes = encodeStaging(STAGING);
  test('every beginning of one that ends within a file or a line', () => {
    const whole = new Set([0, ...boundaries()]);
    for (let end = 0; end < bytes.length; end++) {
      const read = (): unknown => decodeStaging(bytes.subarray(0, end));
      if (whole.has(end) && end > 0) expect(read).not.toThrow();
      else expect(read, `${end} bytes`).toThrow('checkpoint.invalid');
    }
  });

  test.for([
    ['another format', `eirel-staging/2 0 1 ${ROOT}\n`],
    ['no root', 'eirel-staging/1 0 1 \n'],
    ['a size with a sign', `eirel-staging/1 0 +1 ${ROOT}\n`],
    ['a path out of the log', `eirel-staging/1 0 1 ${ROOT}\n../../Key 0\n`],
    ['more bytes than there are', `eirel-staging/1 0 1 ${ROOT}\ntile/0/000 9\nabc`],
    ['no line at all', 'x'.repeat(500)],
  ] as const)('%s', ([, text]) => {
    expect(() => decodeStaging(Buffer.from(text, 'latin1'))).toThrow('checkpoint.invalid');
  });

  /** Where the header or a file ends: what is cut there is a staging of fewer files, which verification refuses. */
  function boundaries(): readonly number[] {
    return STAGING.files.map(
      (_, count) => encodeStaging({ ...STAGING, files: STAGING.files.slice(0, count) }).length,
    );
  }
});
