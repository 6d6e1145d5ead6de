import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { cryptoReady, hotkeyFromSeed, verifySr25519 } from '#src/chain/hotkey.ts';
import { logSource } from '#src/events/source.ts';
import {
  formatCheckpoint,
  hotkeyMessage,
  hotkeyVerifierKey,
  logVerifierKey,
  openCheckpoint,
  parseCheckpoint,
  parseOrigin,
  signCheckpoint,
} from '#src/merkle/checkpoint.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';
import { formatVerifierKey, parseNote } from '#src/merkle/signed-note.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from '../consensus/fake-keys.ts';
import {
  GOLDEN_CHECKPOINT,
  ROOT_15,
  SAMPLE_CHECKPOINT,
  SAMPLE_HOTKEY,
  SAMPLE_HOTKEY_VKEY,
  SAMPLE_LOG_VKEY,
  SAMPLE_ORIGIN,
  SAMPLE_SEED,
  utf8,
} from './known-notes.ts';

beforeAll(cryptoReady);

const root = Uint8Array.from(Buffer.from(ROOT_15, 'base64'));
const sample = { origin: SAMPLE_ORIGIN, size: 15, root };
const logKey = publicKeyEd25519(SAMPLE_SEED);
const open = (text: string, hotkey = SAMPLE_HOTKEY) =>
  openCheckpoint(utf8(text), { hotkey, verify: verifySr25519, logKey });

describe('the sample checkpoint', () => {
  test('it is written byte for byte, with the sample’s signature of the hotkey', () => {
    const [, line] = parseNote(utf8(SAMPLE_CHECKPOINT)).signatures;
    const signed: Uint8Array[] = [];
    const signer = {
      hotkey: SAMPLE_HOTKEY,
      sign: (message: Uint8Array) => {
        signed.push(message);
        return Buffer.from(line?.signature ?? []).toString('hex');
      },
    };
    const note = signCheckpoint(sample, { logSeed: SAMPLE_SEED, signer });
    expect(Buffer.from(note).toString()).toBe(SAMPLE_CHECKPOINT);
    expect(signed.map(String)).toEqual([
      Buffer.from(`eirel/checkpoint/sr25519/v1\n${formatCheckpoint(sample)}`).toString(),
    ]);
  });

  test('both of its lines verify', () => {
    expect(open(SAMPLE_CHECKPOINT)).toMatchObject({
      kind: 'opened',
      checkpoint: sample,
      logLine: 'verified',
    });
  });

  test('its verifier keys have the known texts', () => {
    const hotkey = hotkeyVerifierKey(SAMPLE_ORIGIN);
    expect(formatVerifierKey(logVerifierKey(SAMPLE_ORIGIN, logKey))).toBe(SAMPLE_LOG_VKEY);
    expect(hotkey === null ? null : formatVerifierKey(hotkey)).toBe(SAMPLE_HOTKEY_VKEY);
  });

  test('a fresh signature of the same hotkey opens as well', () => {
    const seed = Buffer.from(
      'fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e',
      'hex',
    );
    const note = signCheckpoint(sample, { logSeed: SAMPLE_SEED, signer: hotkeyFromSeed(seed) });
    expect(open(Buffer.from(note).toString())).toMatchObject({ kind: 'opened' });
  });

  test('no single-byte change of it opens with both lines verified', () => {
    const note = utf8(SAMPLE_CHECKPOINT);
    const survivors: number[] = [];
    for (let at = 0; at < note.length; at++) {
      const mangled = Uint8Array.from(note);
      mangled[at] = (mangled[at] ?? 0) ^ 0x01;
      const opened = openCheckpoint(mangled, {
        hotkey: SAMPLE_HOTKEY,
        verify: verifySr25519,
        logKey,
      });
      if (opened.kind === 'opened' && opened.logLine === 'verified') survivors.push(at);
    }
    expect(survivors).toEqual([]);
  });
});

describe('openCheckpoint', () => {
  const signer = fakeSigner(hotkeyOf('Va'));
  const origin = logSource({
    genesis: 'ab'.repeat(32),
    netuid: 36,
    hotkey: signer.hotkey,
    generation: 2,
  });
  const note = signCheckpoint({ origin, size: 7, root }, { logSeed: SAMPLE_SEED, signer });
  const text = Buffer.from(note).toString();
  const lines = text.split('\n');
  const opened = (bytes: Uint8Array, key: Uint8Array | null = logKey) =>
    openCheckpoint(bytes, { hotkey: signer.hotkey, verify: fakeVerify, logKey: key });

  test('without a log key its line is not judged', () => {
    expect(opened(note, null)).toMatchObject({ kind: 'opened', logLine: 'unchecked' });
  });

  test('the hotkey’s line alone is enough to open it', () => {
    const bare = utf8(`${lines.toSpliced(4, 1).join('\n')}`);
    expect(opened(bare)).toMatchObject({ kind: 'opened', logLine: 'absent' });
  });

  test('a forged log line does not go unnoticed', () => {
    const forged = signCheckpoint({ origin, size: 8, root }, { logSeed: SAMPLE_SEED, signer });
    const other = Buffer.from(forged).toString().split('\n')[4] ?? '';
    expect(opened(utf8(lines.with(4, other).join('\n')))).toMatchObject({ logLine: 'refused' });
  });

  test('without the hotkey’s line nothing vouches for it', () => {
    const bare = utf8(lines.toSpliced(5, 1).join('\n'));
    expect(opened(bare)).toMatchObject({ kind: 'refused', reason: 'unsigned' });
  });

  test('a line of the hotkey that it did not make spoils the note, and so does any second one', () => {
    const forged = signCheckpoint(
      { origin, size: 8, root },
      { logSeed: SAMPLE_SEED, signer: fakeSigner(signer.hotkey) },
    );
    const other = Buffer.from(forged).toString().split('\n')[5] ?? '';
    const twice = utf8(lines.toSpliced(6, 0, other).join('\n'));
    expect(opened(twice)).toMatchObject({ kind: 'refused', reason: 'malformed' });
    const forgedAlone = utf8(lines.with(5, other).join('\n'));
    expect(opened(forgedAlone)).toMatchObject({ kind: 'refused', reason: 'signature' });
  });

  test('the log of another hotkey is another log', () => {
    expect(
      openCheckpoint(note, { hotkey: hotkeyOf('Vb'), verify: fakeVerify, logKey }),
    ).toMatchObject({ kind: 'refused', reason: 'other-origin' });
    expect(opened(utf8(GOLDEN_CHECKPOINT))).toMatchObject({ reason: 'other-origin' });
  });

  test('nothing makes it throw', () => {
    const junk = fc.oneof(
      fc.uint8Array(),
      fc.tuple(fc.nat(note.length), fc.nat(255)).map(([at, value]) => {
        const changed = Uint8Array.from(note);
        changed[at] = value;
        return changed;
      }),
    );
    fc.assert(
      fc.property(junk, (bytes) => {
        expect(opened(bytes, null).kind).toMatch(/opened|refused/);
      }),
    );
  });

  test('nobody signs a checkpoint of another’s log', () => {
    const foreign = { origin: SAMPLE_ORIGIN, size: 1, root };
    expect(() => signCheckpoint(foreign, { logSeed: SAMPLE_SEED, signer })).toThrow(
      'checkpoint.invalid',
    );
  });
});

describe('parseCheckpoint', () => {
  test('what is written is read', () => {
    fc.assert(
      fc.property(
        fc.nat(Number.MAX_SAFE_INTEGER),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (size, hash) => {
          const checkpoint = { origin: 'example.com/log', size, root: hash };
          expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
        },
      ),
    );
  });

  test.each([
    ['nothing', ''],
    ['two lines', `a\n1\n`],
    ['no newline at its end', `a\n1\n${ROOT_15}`],
    ['an extension line', `a\n1\n${ROOT_15}\nmore\n`],
    ['an empty extension line', `a\n1\n${ROOT_15}\n\n`],
    ['no origin', `\n1\n${ROOT_15}\n`],
    ['a leading zero', `a\n01\n${ROOT_15}\n`],
    ['a sign', `a\n+1\n${ROOT_15}\n`],
    ['an exponent', `a\n1e3\n${ROOT_15}\n`],
    ['a size above 2^53-1', `a\n9007199254740992\n${ROOT_15}\n`],
    ['31 bytes of root', `a\n1\n${Buffer.alloc(31).toString('base64')}\n`],
    ['a root with stray bits', `a\n1\n${ROOT_15.replace('s=', 't=')}\n`],
  ])('a checkpoint with %s is refused', (_name, text) => {
    expect(() => parseCheckpoint(text)).toThrow('checkpoint.invalid');
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 53])('a checkpoint of size %d is not written', (size) => {
    expect(() => formatCheckpoint({ origin: 'a', size, root })).toThrow('checkpoint.invalid');
  });
});

describe('parseOrigin', () => {
  test('it reads what names a log', () => {
    const at = {
      genesis: '12345678'.repeat(8),
      netuid: 65_535,
      hotkey: hotkeyOf('V'),
      generation: 0,
    };
    expect(parseOrigin(logSource(at))).toEqual({
      genesis8: '12345678',
      netuid: 65_535,
      hotkey: at.hotkey,
      generation: 0,
    });
  });

  test.each([
    SAMPLE_ORIGIN.replace('/36/', '/036/'),
    SAMPLE_ORIGIN.replace('/36/', '/65536/'),
    SAMPLE_ORIGIN.replace('/0', '/65536'),
    SAMPLE_ORIGIN.replace('2f0555cc', '2F0555CC'),
    SAMPLE_ORIGIN.replace('2f0555cc', '2f0555cc1'),
    SAMPLE_ORIGIN.replace('5Df', '4Df'),
    `${SAMPLE_ORIGIN}/`,
    `${SAMPLE_ORIGIN}\n`,
    ` ${SAMPLE_ORIGIN}`,
    'example.com/log',
    '',
  ])('%j is none of ours', (origin) => {
    expect(parseOrigin(origin)).toBeNull();
    expect(hotkeyVerifierKey(origin)).toBeNull();
  });

  test('what the hotkey signs begins with what nothing else that it signs begins with', () => {
    expect(Buffer.from(hotkeyMessage('text\n')).toString()).toBe(
      'eirel/checkpoint/sr25519/v1\ntext\n',
    );
  });
});
