import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAppError } from '#src/errors.ts';
import { verdictOfLogLine } from '#src/merkle/checkpoint.ts';
import {
  formatNote,
  formatSignature,
  formatVerifierKey,
  keyIdOf,
  linesOf,
  parseNote,
  parseSignatures,
  parseVerifierKey,
} from '#src/merkle/signed-note.ts';
import {
  C2SP_NOTE,
  C2SP_VKEY,
  GOLDEN_CHECKPOINT,
  GOLDEN_VKEY,
  PETER_NOTE,
  PETER_VKEY,
  SAMPLE_CHECKPOINT,
  utf8,
} from './known-notes.ts';

const knownNotes = [C2SP_NOTE, PETER_NOTE, GOLDEN_CHECKPOINT, SAMPLE_CHECKPOINT];

/** What a reader who trusts one Ed25519 key makes of a note's bytes. */
function verdict(note: Uint8Array, vkey: string): string {
  const { name, typeAndKey } = parseVerifierKey(vkey);
  try {
    return verdictOfLogLine(parseNote(note), name, typeAndKey.subarray(1));
  } catch (error) {
    if (isAppError(error, 'checkpoint.invalid')) return 'malformed';
    throw error;
  }
}

describe('known notes', () => {
  test.each([
    ['C2SP', C2SP_NOTE, C2SP_VKEY],
    ['PeterNeumann', PETER_NOTE, PETER_VKEY],
    ['the golden log', GOLDEN_CHECKPOINT, GOLDEN_VKEY],
  ])('the note of %s verifies under its key', (_name, note, vkey) => {
    expect(verdict(utf8(note), vkey)).toBe('verified');
  });

  test.each(knownNotes)('a note is written as it was read', (text) => {
    expect(formatNote(parseNote(utf8(text)))).toEqual(utf8(text));
  });

  test('no single-byte change of a note verifies under the key', () => {
    const note = utf8(PETER_NOTE);
    const survivors: string[] = [];
    for (let at = 0; at < note.length; at++) {
      for (const change of [0x01, 0x20, 0x80]) {
        const mangled = Uint8Array.from(note);
        mangled[at] = (mangled[at] ?? 0) ^ change;
        const result = verdict(mangled, PETER_VKEY);
        if (result === 'verified') survivors.push(`byte ${at} ^ ${change}`);
      }
    }
    expect(survivors).toEqual([]);
  });

  test('a change in the line of a key that nobody asked for makes the note malformed or changes nothing', () => {
    const stranger = formatSignature({
      name: 'EnochRoot',
      keyId: 1,
      signature: new Uint8Array(64),
    });
    const note = utf8(`${PETER_NOTE}${stranger}`);
    const seen = new Set<string>();
    for (let at = utf8(PETER_NOTE).length; at < note.length; at++) {
      const mangled = Uint8Array.from(note);
      mangled[at] = (mangled[at] ?? 0) ^ 0x01;
      seen.add(verdict(mangled, PETER_VKEY));
    }
    expect([...seen].toSorted()).toEqual(['malformed', 'verified']);
  });

  test('no beginning and no end of a note is one that verifies', () => {
    const note = utf8(PETER_NOTE);
    for (let at = 1; at < note.length; at++) {
      expect(verdict(note.subarray(0, at), PETER_VKEY), `the first ${at} bytes`).toBe('malformed');
      expect(verdict(note.subarray(at), PETER_VKEY), `from byte ${at}`).not.toBe('verified');
    }
  });

  test('a second line of the same key has to verify as well', () => {
    const [line] = linesOf(parseNote(utf8(PETER_NOTE)), parseVerifierKey(PETER_VKEY));
    const forged = formatSignature({
      name: 'PeterNeumann',
      keyId: line?.keyId ?? 0,
      signature: new Uint8Array(64),
    });
    expect(verdict(utf8(`${PETER_NOTE}${forged}`), PETER_VKEY)).toBe('refused');
    expect(verdict(utf8(`${PETER_NOTE}${formatSignature(line ?? never())}`), PETER_VKEY)).toBe(
      'verified',
    );
  });

  test('a line of the same name but another id, or the same id but another name, is a stranger’s', () => {
    const strangers = [
      { name: 'PeterNeumann', keyId: 1 },
      { name: 'EnochRoot', keyId: 0xc74f20a3 },
    ];
    for (const stranger of strangers) {
      const line = formatSignature({ ...stranger, signature: new Uint8Array(64) });
      expect(verdict(utf8(`${PETER_NOTE}${line}`), PETER_VKEY)).toBe('verified');
    }
  });
});

describe('parseNote', () => {
  const line = '— a AAAAAAA=\n';
  test.each([
    ['no bytes', ''],
    ['no empty line', `text\n${line}`],
    ['no signature', 'text\n\n'],
    ['a text without its newline, so without an empty line', `text${line}`],
    ['no newline at the end', `text\n\n${line.slice(0, -1)}`],
    ['a carriage return', `text\r\n\n${line}`],
    ['a tab in the text', `te\txt\n\n${line}`],
    ['a zero byte', `te\0xt\n\n${line}`],
    ['a hyphen for the em dash', `text\n\n${line.replace('—', '-')}`],
    ['two spaces after the dash', `text\n\n${line.replace('— ', '—  ')}`],
    ['a space at the end', `text\n\n— a AAAAAAA= \n`],
    ['an empty name', `text\n\n—  AAAAAAA=\n`],
    ['a plus in the name', `text\n\n— a+b AAAAAAA=\n`],
    ['a no-break space in the name', `text\n\n— a\u00a0b AAAAAAA=\n`],
    ['a next-line character in the name', `text\n\n— a\u0085b AAAAAAA=\n`],
    ['a key id alone', `text\n\n— a AAAAAA==\n`],
    ['base64 without its padding', `text\n\n— a AAAAAAA\n`],
    ['base64 with stray bits', `text\n\n— a AAAAAAB=\n`],
    ['base64url', `text\n\n— a AAAA_AA=\n`],
    ['text between the signatures', `text\n\n${line}more\n${line}`],
    ['33 signatures', `text\n\n${line.repeat(33)}`],
  ])('a note with %s is refused', (_name, text) => {
    expect(() => parseNote(utf8(text))).toThrow('checkpoint.invalid');
  });

  test.each([
    ['empty lines in the text', `\n\na\n\n\n${line}`],
    ['an empty text of one newline', `\n\n${line}`],
    ['what looks like a signature in the text', `${line}\n${line}`],
    ['32 signatures', `text\n\n${line.repeat(32)}`],
    ['one byte of signature', `text\n\n${line}`],
    ['a byte order mark', `\ufefftext\n\n${line}`],
    ['names beyond ASCII', `text\n\n— ä/€/😂 AAAAAAA=\n`],
  ])('a note with %s is read, and written again as it was', (_name, text) => {
    expect(formatNote(parseNote(utf8(text)))).toEqual(utf8(text));
  });

  test('bytes that are no UTF-8 are refused', () => {
    const broken = Buffer.concat([Buffer.from([0xc3, 0x28]), utf8(`\n\n${line}`)]);
    expect(() => parseNote(broken)).toThrow('checkpoint.invalid');
  });

  test('a note too large to be one is refused before it is read', () => {
    expect(() => parseNote(new Uint8Array(262_145))).toThrow('at most 262144 bytes');
  });

  test('nothing makes it throw anything else, and what it reads is written again byte for byte', () => {
    const mangled = fc
      .tuple(fc.constantFrom(...knownNotes), fc.array(fc.tuple(fc.nat(), fc.nat(255))), fc.nat())
      .map(([text, changes, cut]) => {
        const bytes = Uint8Array.from(utf8(text));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return bytes.subarray(0, bytes.length - (cut % 3));
      });
    const structured = fc
      .array(fc.constantFrom('\n', '\n\n', '— ', 'a', '+', ' ', 'AAAAAAA=', line, '€'))
      .map((parts) => utf8(parts.join('')));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mangled, structured), (bytes) => {
        try {
          expect(Buffer.from(formatNote(parseNote(bytes)))).toEqual(Buffer.from(bytes));
        } catch (error) {
          if (!isAppError(error, 'checkpoint.invalid')) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('formatNote', () => {
  const signature = { name: 'a', keyId: 0, signature: Uint8Array.of(1) };
  test.each([
    ['no newline at its end', { text: 'text', signatures: [signature] }],
    ['a control character', { text: 'a\u0001\n', signatures: [signature] }],
    ['a lone surrogate', { text: '\ud800\n', signatures: [signature] }],
    ['no signature', { text: 'text\n', signatures: [] }],
    ['33 signatures', { text: 'text\n', signatures: Array.from({ length: 33 }, () => signature) }],
    ['a name with a space', { text: 'text\n', signatures: [{ ...signature, name: 'a b' }] }],
    ['a name with a newline', { text: 'text\n', signatures: [{ ...signature, name: 'a\nb' }] }],
    [
      'an empty signature',
      { text: 'text\n', signatures: [{ ...signature, signature: new Uint8Array(0) }] },
    ],
  ])('a note with %s is not written', (_name, note) => {
    expect(() => formatNote(note)).toThrow('checkpoint.invalid');
  });
});

describe('signature lines', () => {
  test('a witness’s answer is read line by line', () => {
    const lines = [1, 2].map((keyId) => ({ name: 'w', keyId, signature: Uint8Array.of(keyId) }));
    expect(parseSignatures(lines.map(formatSignature).join(''))).toEqual(lines);
  });

  test('an id above 2^31 is one', () => {
    const line = { name: 'w', keyId: 0xffff_ffff, signature: Uint8Array.of(7) };
    expect(parseSignatures(formatSignature(line))).toEqual([line]);
  });

  test.each(['', '\n', '— w AAAAAAA=', '— w AAAAAAA=\n\n'])('%j is none', (text) => {
    expect(() => parseSignatures(text)).toThrow('checkpoint.invalid');
  });
});

describe('verifier keys', () => {
  test.each([C2SP_VKEY, PETER_VKEY, GOLDEN_VKEY])('%s is read and written', (vkey) => {
    const key = parseVerifierKey(vkey);
    expect(key.keyId).toBe(keyIdOf(key.name, key.typeAndKey));
    expect(formatVerifierKey(key)).toBe(vkey);
  });

  test('no part of a key, and no key with one character changed, is a key', () => {
    for (let from = 0; from < PETER_VKEY.length; from++) {
      for (let to = from; to <= PETER_VKEY.length; to++) {
        if (to - from === PETER_VKEY.length) continue;
        expect(() => parseVerifierKey(PETER_VKEY.slice(from, to))).toThrow('checkpoint.invalid');
      }
      const next = String.fromCharCode(PETER_VKEY.charCodeAt(from) + 1);
      const changed = PETER_VKEY.slice(0, from) + next + PETER_VKEY.slice(from + 1);
      expect(() => parseVerifierKey(changed), changed).toThrow('checkpoint.invalid');
    }
  });
});

function never(): never {
  throw new Error('the note has such a line');
}
