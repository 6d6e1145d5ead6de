import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAppError } from '#src/errors.ts';
import { formatAddCheckpoint, parseAddCheckpoint } from '#src/merkle/add-checkpoint.ts';
import { parseCheckpoint, verdictOfLogLine } from '#src/merkle/checkpoint.ts';
import { verifyInclusion } from '#src/merkle/proof.ts';
import { parseNote, parseVerifierKey } from '#src/merkle/signed-note.ts';
import { formatTlogProof, parseTlogProof } from '#src/merkle/tlog-proof.ts';
import { leafOf } from '#src/merkle/tree.ts';
import { GOLDEN_CHECKPOINT, GOLDEN_PROOF, GOLDEN_VKEY, ROOT_15, utf8 } from './known-notes.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('a tlog-proof', () => {
  test('the golden log’s proof that its entry 3 is "four" verifies, offline, to its signature', () => {
    const { index, proof, checkpoint, extra } = parseTlogProof(utf8(GOLDEN_PROOF));
    const note = parseNote(checkpoint);
    const { size, root, origin } = parseCheckpoint(note.text);
    const leaf = leafOf(utf8('four'));
    const { typeAndKey } = parseVerifierKey(GOLDEN_VKEY);
    expect(extra).toBeNull();
    expect(verifyInclusion({ leaf, index, size, proof, root })).toBe(true);
    expect(verdictOfLogLine(note, origin, typeAndKey.subarray(1))).toBe('verified');
  });

  test('it is written byte for byte', () => {
    expect(formatTlogProof(parseTlogProof(utf8(GOLDEN_PROOF)))).toEqual(utf8(GOLDEN_PROOF));
  });

  test('what is written is read', () => {
    fc.assert(
      fc.property(
        fc.option(fc.uint8Array()),
        fc.nat(Number.MAX_SAFE_INTEGER),
        fc.array(hash, { maxLength: 64 }),
        (extra, index, proof) => {
          const checkpoint = utf8(GOLDEN_CHECKPOINT);
          const read = parseTlogProof(formatTlogProof({ extra, index, proof, checkpoint }));
          expect({ ...read, checkpoint: Buffer.from(read.checkpoint).toString() }).toEqual({
            extra,
            index,
            proof,
            checkpoint: GOLDEN_CHECKPOINT,
          });
        },
      ),
    );
  });

  test.each([
    ['another version', GOLDEN_PROOF.replace('@v1', '@v2')],
    ['no index', GOLDEN_PROOF.replace('index 3\n', '')],
    ['a leading zero', GOLDEN_PROOF.replace('index 3', 'index 03')],
    ['a short hash', GOLDEN_PROOF.replace(/\n.{44}\n/, '\nAAAA\n')],
    ['65 hashes', GOLDEN_PROOF.replace('index 3', `index 3${`\n${ROOT_15}`.repeat(61)}`)],
    ['thousands of lines', GOLDEN_PROOF.replace('index 3', `index 3${'\na'.repeat(9_999)}`)],
    ['no empty line', 'c2sp.org/tlog-proof@v1\nindex 3\n'],
    ['extra data that is no base64', GOLDEN_PROOF.replace('index', 'extra ?\nindex')],
    ['extra data behind the index', GOLDEN_PROOF.replace('index 3', 'index 3\nextra AAAA')],
    ['more than half a megabyte', GOLDEN_PROOF.padEnd(600_000, ' ')],
  ])('one with %s is refused', (_name, text) => {
    expect(() => parseTlogProof(utf8(text))).toThrow('checkpoint.invalid');
  });
});

describe('an add-checkpoint request', () => {
  const body = `old 5
zMKa4OAqd7D0V4wawXST15z0JiEEkprIBPkfxOesWvA=
yiM+eia4w1wsk/Ukx7kF56IQVkDW3MWUaUz/VtJu+yU=

${GOLDEN_CHECKPOINT}`;

  test('it is read, and written byte for byte', () => {
    const asked = parseAddCheckpoint(utf8(body));
    expect(asked.oldSize).toBe(5);
    expect(asked.proof).toHaveLength(2);
    expect(formatAddCheckpoint(asked)).toEqual(utf8(body));
  });

  test('from nothing it has no proof', () => {
    const first = parseAddCheckpoint(utf8(`old 0\n\n${GOLDEN_CHECKPOINT}`));
    expect(first).toMatchObject({ oldSize: 0, proof: [] });
  });

  test.each([
    ['no first line', body.slice('old 5\n'.length)],
    ['a leading zero', body.replace('old 5', 'old 05')],
    ['two spaces', body.replace('old 5', 'old  5')],
    ['a size above 2^53-1', body.replace('old 5', 'old 9007199254740992')],
    ['64 hashes', body.replace('old 5', `old 5${`\n${ROOT_15}`.repeat(62)}`)],
    ['no empty line', 'old 5\n'],
    ['nothing', ''],
  ])('one with %s is refused', (_name, text) => {
    expect(() => parseAddCheckpoint(utf8(text))).toThrow('checkpoint.invalid');
  });
});

test('no bytes make a reader throw anything else', () => {
  const pieces = fc.array(
    fc.constantFrom(
      'old 1',
      '\n',
      '\n\n',
      'index 1',
      'c2sp.org/tlog-proof@v1',
      ROOT_15,
      'extra AA==',
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        pieces.map((all) => utf8(all.join('\n'))),
      ),
      (bytes) => {
        for (const parse of [parseTlogProof, parseAddCheckpoint]) {
          try {
            parse(bytes);
          } catch (error) {
            if (!isAppError(error, 'checkpoint.invalid')) throw error;
          }
        }
      },
    ),
  );
});
