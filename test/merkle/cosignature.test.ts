import { describe, expect, test } from 'vitest';
import { cosign, cosignedAt, cosignerKey, cosignerName } from '#src/merkle/cosignature.ts';
import { publicKeyEd25519, signEd25519 } from '#src/merkle/ed25519.ts';
import {
  formatNote,
  type NoteSignature,
  parseNote,
  parseVerifierKey,
} from '#src/merkle/signed-note.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';
import { SAMPLE_CHECKPOINT, SAMPLE_SEED, utf8 } from './known-notes.ts';

const seed = new Uint8Array(32).fill(9);
const name = 'witness.example/w1';
const key = cosignerKey(name, publicKeyEd25519(seed));
const note = parseNote(utf8(SAMPLE_CHECKPOINT));
const withLines = (...lines: readonly NoteSignature[]) => ({
  text: note.text,
  signatures: [...note.signatures, ...lines],
});

describe('a cosignature', () => {
  const line = cosign(note.text, { name, seed, time: 1_679_315_147 });

  test('it is the time and an Ed25519 signature of time and text, as C2SP writes it', () => {
    const message = `cosignature/v1\ntime 1679315147\n${note.text}`;
    expect(Buffer.from(line.signature).readBigUInt64BE()).toBe(1_679_315_147n);
    expect(line.signature.subarray(8)).toEqual(
      Buffer.from(signEd25519(Buffer.from(message), seed)),
    );
    expect(line).toMatchObject({ name, keyId: key.keyId });
    expect(key.typeAndKey[0]).toBe(0x04);
  });

  test('it says when the note was cosigned, also after the note was written and read', () => {
    expect(cosignedAt(parseNote(formatNote(withLines(line))), key)).toBe(1_679_315_147);
  });

  test('the newest of several counts', () => {
    const times = [5, 9, 7].map((time) => cosign(note.text, { name, seed, time }));
    expect(cosignedAt(withLines(...times), key)).toBe(9);
  });

  test('a note without one was not cosigned', () => {
    expect(cosignedAt(note, key)).toBeNull();
  });

  test.each<[string, NoteSignature]>([
    ['of another text', cosign(`${note.text}more\n`, { name, seed, time: 1 })],
    ['with a changed time', { ...line, signature: Buffer.from(line.signature).fill(1, 0, 8) }],
    ['without its time', { ...line, signature: line.signature.subarray(8) }],
    ['beyond every clock', { ...line, signature: Buffer.from(line.signature).fill(0xff, 0, 8) }],
  ])('a line %s spoils the others', (_name, bad) => {
    expect(cosignedAt(withLines(bad, line), key)).toBeNull();
    expect(cosignedAt(withLines(line, bad), key)).toBeNull();
  });

  test('a cosigner is no log: its key with another type has signed nothing', () => {
    const asLog = parseVerifierKey(
      'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx',
    );
    const disguised = { ...line, name: asLog.name, keyId: asLog.keyId };
    expect(cosignedAt(withLines(disguised), asLog)).toBeNull();
  });

  test.each([-1, 1.5, Number.NaN])('time %d is none', (time) => {
    expect(() => cosign(note.text, { name, seed: SAMPLE_SEED, time })).toThrow(
      'checkpoint.invalid',
    );
  });
});

test('a validator cosigns under its identity', () => {
  const at = { genesis: '12345678'.repeat(8), netuid: 36, hotkey: hotkeyOf('V') };
  expect(cosignerName(at)).toBe(`eirel.network/witness/v1/12345678/36/${at.hotkey}`);
});
