import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAppError } from '#src/errors.ts';
import { logVerifierKey } from '#src/merkle/checkpoint.ts';
import { cosign, cosignerKey } from '#src/merkle/cosignature.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';
import { formatNote, formatVerifierKey, parseNote } from '#src/merkle/signed-note.ts';
import { checkPolicy, formatPolicy, parsePolicy } from '#src/merkle/tlog-policy.ts';
import { GOLDEN_CHECKPOINT, GOLDEN_VKEY, utf8 } from './known-notes.ts';

/** Six witnesses in two groups, as in the example of C2SP tlog-policy. */
const witnesses = ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'].map((name, index) => {
  const seed = new Uint8Array(32).fill(index + 1);
  const publicKey = publicKeyEd25519(seed);
  const vkey = formatVerifierKey(cosignerKey(`w.example/${name}`, publicKey));
  return { name, seed, publicKey, vkey };
});
const example = `# an example

log ${GOLDEN_VKEY} https://example.com/log
${witnesses.map(({ name, vkey }) => `witness ${name}\t${vkey}`).join('\n')}
  group X-witnesses 2 X1 X2 X3
group Y-witnesses any Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;
const policy = parsePolicy(utf8(example));

/** Cosigned by the first one at 9 s since 1970, and by each further one a second before the one before it. */
function cosignedBy(...names: readonly string[]): Uint8Array {
  const { text, signatures } = parseNote(utf8(GOLDEN_CHECKPOINT));
  const lines = witnesses
    .filter(({ name }) => names.includes(name))
    .map(({ name, seed }, at) => cosign(text, { name: `w.example/${name}`, seed, time: 9 - at }));
  return formatNote({ text, signatures: [...signatures, ...lines] });
}

describe('checkPolicy', () => {
  test.each([
    ['X1 X2 Y3', true],
    ['X1 X2 X3 Y1 Y2 Y3', true],
    ['X1 Y1 Y2 Y3', false],
    ['X1 X2 X3', false],
    ['Y1', false],
    ['', false],
  ])('cosigned by %j: %s', (names, accepted) => {
    const verdict = checkPolicy(policy, cosignedBy(...names.split(' ')));
    expect(verdict).toEqual(
      accepted
        ? {
            kind: 'accepted',
            log: policy.logs[0]?.key,
            witnesses: names.split(' '),
            cosignedAt: 9,
          }
        : { kind: 'refused', reason: 'quorum' },
    );
  });

  test('a quorum of none asks for the log alone', () => {
    const alone = parsePolicy(utf8(`log ${GOLDEN_VKEY}\nquorum none\n`));
    expect(checkPolicy(alone, utf8(GOLDEN_CHECKPOINT))).toMatchObject({ kind: 'accepted' });
  });

  test('a checkpoint of no log of the policy is refused, whoever cosigned it', () => {
    const other = formatVerifierKey(
      logVerifierKey('example.com/other', publicKeyEd25519(new Uint8Array(32))),
    );
    const foreign = parsePolicy(utf8(example.replace(GOLDEN_VKEY, other)));
    expect(checkPolicy(foreign, cosignedBy('X1', 'X2', 'Y1'))).toEqual({
      kind: 'refused',
      reason: 'log',
    });
  });

  test('the right key under the name of another log is another log', () => {
    const { typeAndKey } = policy.logs[0]?.key ?? never();
    const renamed = formatVerifierKey(logVerifierKey('example.com/b', typeAndKey.subarray(1)));
    const foreign = parsePolicy(utf8(example.replace(GOLDEN_VKEY, renamed)));
    expect(checkPolicy(foreign, cosignedBy('X1', 'X2', 'Y1'))).toMatchObject({ reason: 'log' });
  });

  test('a policy without logs leaves the log to its reader', () => {
    const open = parsePolicy(utf8('quorum none\n'));
    expect(checkPolicy(open, utf8(GOLDEN_CHECKPOINT))).toEqual({
      kind: 'accepted',
      log: null,
      witnesses: [],
      cosignedAt: null,
    });
  });

  test('what is no checkpoint is malformed', () => {
    expect(checkPolicy(policy, utf8('junk'))).toEqual({ kind: 'refused', reason: 'malformed' });
  });
});

describe('parsePolicy', () => {
  const [w1, w2] = [witnesses[0]?.vkey, witnesses[1]?.vkey];
  test.each([
    ['no quorum', `log ${GOLDEN_VKEY}\n`],
    ['two quorums', 'quorum none\nquorum none\n'],
    ['a quorum of two names', `witness a ${w1}\nwitness b ${w2}\nquorum a b\n`],
    ['a quorum that nobody defined', 'quorum a\n'],
    ['a quorum in front of its definition', `quorum a\nwitness a ${w1}\n`],
    ['a group of nobody', 'group g 1\nquorum none\n'],
    ['a group in front of its member', `group g 1 a\nwitness a ${w1}\nquorum none\n`],
    ['a group of itself', 'group g 1 g\nquorum none\n'],
    ['a threshold of zero', `witness a ${w1}\ngroup g 0 a\nquorum g\n`],
    ['a threshold with a leading zero', `witness a ${w1}\ngroup g 01 a\nquorum g\n`],
    ['a threshold above its members', `witness a ${w1}\ngroup g 2 a\nquorum g\n`],
    ['a member twice in a group', `witness a ${w1}\ngroup g 1 a a\nquorum g\n`],
    ['a member of two groups', `witness a ${w1}\ngroup g 1 a\ngroup h 1 a\nquorum g\n`],
    ['none as a member', 'group g 1 none\nquorum none\n'],
    ['a witness called none', `witness none ${w1}\nquorum none\n`],
    ['a name twice', `witness a ${w1}\nwitness a ${w2}\nquorum a\n`],
    ['a witness twice', `witness a ${w1}\nwitness b ${w1}\nquorum a\n`],
    ['a log twice', `log ${GOLDEN_VKEY}\nlog ${GOLDEN_VKEY}\nquorum none\n`],
    ['a log’s key for a witness', `witness a ${GOLDEN_VKEY}\nquorum a\n`],
    ['a witness’s key for a log', `log ${w1}\nquorum none\n`],
    ['two URLs', `log ${GOLDEN_VKEY} a b\nquorum none\n`],
    ['an unknown word', 'logs a\nquorum none\n'],
    ['a carriage return', 'quorum none\r\n'],
    ['no newline at its end', 'quorum none'],
    ['nothing', ''],
  ])('a policy with %s is refused', (_name, text) => {
    expect(() => parsePolicy(utf8(text))).toThrow('checkpoint.invalid');
  });

  test('spaces, tabs, comments and empty lines mean nothing', () => {
    const plain = example
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.trim().replaceAll('\t', ' '))
      .join('\n');
    expect(parsePolicy(utf8(`${plain}\n`))).toEqual(policy);
  });

  test('names are octets: what looks alike in Unicode is not the same', () => {
    expect(() => parsePolicy(utf8(`witness K ${w1}\nquorum \u212a\n`))).toThrow(
      'checkpoint.invalid',
    );
    const odd = Buffer.concat([
      Buffer.from(`witness `),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(` ${w1}\nquorum none\n`),
    ]);
    expect(formatPolicy(parsePolicy(odd))).toEqual(odd);
  });

  test('what is written reads as the same policy', () => {
    expect(parsePolicy(formatPolicy(policy))).toEqual(policy);
  });

  test('a policy that could not be read is not written', () => {
    expect(() => formatPolicy({ ...policy, quorum: 'nobody' })).toThrow('checkpoint.invalid');
  });

  test('nothing makes it throw anything else', () => {
    const word = fc.constantFrom(
      'log',
      'witness',
      'group',
      'quorum',
      'none',
      'a',
      w1 ?? '',
      '1',
      '\n',
      '#',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.array(word).map((all) => utf8(all.join(' '))),
        ),
        (bytes) => {
          try {
            parsePolicy(bytes);
          } catch (error) {
            if (!isAppError(error, 'checkpoint.invalid')) throw error;
          }
        },
      ),
    );
  });
});

function never(): never {
  throw new Error('the policy has a log');
}
