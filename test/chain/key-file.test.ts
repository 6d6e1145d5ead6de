import { existsSync, readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { cryptoReady, verifySr25519 } from '#src/chain/hotkey.ts';
import {
  formatKeyFile,
  signerFromKeyFile,
  signerFromMnemonic,
  signerFromSeed,
} from '#src/chain/key-file.ts';
import { pairFromPrivateKey } from '#src/chain/private-key.ts';

beforeAll(cryptoReady);

/** The public development key //Alice, and the public development phrase. */
const ALICE = {
  accountId: '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
  publicKey: '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
  privateKey:
    '0x33a6f3093f158a7109f679410bef1a0c54168145e0cecb4df006c1c2fffb1f09925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011',
  secretPhrase: null,
  secretSeed: '0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a',
  ss58Address: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
};
const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const OF_PHRASE = '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV';

const read = (file: string | object) =>
  signerFromKeyFile(typeof file === 'string' ? file : JSON.stringify(file), 'hotkey.json');

describe('a key file is read', () => {
  const { privateKey, secretSeed, ss58Address, accountId, publicKey } = ALICE;
  test.each<[string, string | object, string]>([
    ['as the tools write it', ALICE, ss58Address],
    [
      'with the name of its address as of old',
      { secretSeed, ' ss58Address': ss58Address },
      ss58Address,
    ],
    ['with its seed alone', { secretSeed }, ss58Address],
    ['with its private key alone', { privateKey, publicKey, accountId }, ss58Address],
    ['with its phrase before its seed', { secretPhrase: PHRASE, secretSeed }, OF_PHRASE],
    [
      'with its seed before its private key',
      { secretSeed, privateKey: `0x${'11'.repeat(64)}` },
      ss58Address,
    ],
    ['with secrets that are empty', { secretPhrase: '', secretSeed, privateKey: '' }, ss58Address],
    [
      'with the scheme named',
      { secretSeed, cryptoType: 'sr25519', signingScheme: 'SR25519' },
      ss58Address,
    ],
    ['with the scheme as a number', { secretSeed, cryptoType: 1 }, ss58Address],
    ['with fields that are new to us', { ...ALICE, comment: { any: 'thing' } }, ss58Address],
    ['as a bare seed', `${secretSeed}\n`, ss58Address],
    ['as a bare seed without prefix', secretSeed.slice(2).toUpperCase(), ss58Address],
    ['as a bare mnemonic', `  ${PHRASE.replaceAll(' ', '  ')}\n`, OF_PHRASE],
  ])('%s', (_how, file, hotkey) => {
    const signer = read(file);
    const message = Buffer.from('eirel|run-1|abc');
    expect(signer.hotkey).toBe(hotkey);
    expect(verifySr25519(message, signer.sign(message), hotkey)).toBe(true);
  });
});

describe('a key file is refused', () => {
  const other = { secretSeed: `0x${'77'.repeat(32)}` };
  test.each<[string, string | object, string]>([
    [
      'that holds public parts alone',
      { ...ALICE, secretSeed: null, privateKey: null },
      'a public key alone',
    ],
    ['that is an address', ALICE.ss58Address, 'an address alone'],
    ['of another scheme', { ...ALICE, cryptoType: 'ed25519' }, 'value: ed25519, expected: sr25519'],
    ['of another scheme, by number', { ...ALICE, cryptoType: 0 }, 'value: 0, expected: sr25519'],
    ['of a signing scheme to come', { ...ALICE, signingScheme: 'mldsa' }, 'value: mldsa'],
    ['whose public key is not its own', { ...ALICE, ...other }, 'field: publicKey'],
    ['whose account is not its own', { ...other, accountId: ALICE.accountId }, 'field: accountId'],
    ['whose address is not its own', { ...other, ss58Address: OF_PHRASE }, 'field: ss58Address'],
    [
      'whose address as of old is not its own',
      { ...other, ' ss58Address': OF_PHRASE },
      'field: ss58Address',
    ],
    ['whose field is no text', { secretSeed: 7 }, 'field: secretSeed, expected: a text or null'],
    [
      'whose phrase has a wrong checksum',
      { secretPhrase: PHRASE.replace('walk', 'drive') },
      'field: mnemonic',
    ],
    ['whose seed is too short', { secretSeed: '0x77' }, 'field: seed, expected: 64 hex digits'],
    ['whose private key is too short', { privateKey: '0x77' }, 'field: privateKey'],
    ['whose private key is none', { privateKey: `0x${'ff'.repeat(64)}` }, 'field: privateKey'],
    ['that is broken JSON', '{"secretSeed": "0x77777', 'expected: JSON, a hex seed or a mnemonic'],
    ['that is empty', '', 'field: seed'],
  ])('%s', (_how, file, message) => {
    expect(() => read(file)).toThrow(message);
    expect(() => read(file)).toThrow('key.invalid: file: hotkey.json');
  });

  test('without a word of what it holds', () => {
    const secret = 'abandon77';
    for (const file of [
      `{"secretSeed":"${secret}"`,
      { secretSeed: secret },
      { secretPhrase: `${secret} ${secret}` },
      { privateKey: secret },
      secret,
      `${secret} ${secret}`,
    ]) {
      let fault: unknown;
      try {
        read(file);
      } catch (error) {
        fault = error;
      }
      expect(String(fault)).toContain('key.invalid');
      // With the stack and whatever it was caused by.
      expect(inspect(fault)).not.toContain(secret);
    }
  });
});

test('a written key file is read as the same key, and holds the fields that the tools look for', () => {
  const text = formatKeyFile(PHRASE);
  expect(read(text).hotkey).toBe(OF_PHRASE);
  const fields = z.record(z.string(), z.string()).parse(JSON.parse(text));
  expect(fields).toMatchObject({ secretPhrase: PHRASE, ss58Address: OF_PHRASE });
  expect(Object.keys(fields)).toEqual(Object.keys(ALICE));
  for (const secret of ['secretPhrase', 'secretSeed', 'privateKey'] as const)
    expect(read({ [secret]: fields[secret], publicKey: fields['publicKey'] }).hotkey).toBe(
      OF_PHRASE,
    );
});

test('a seed file and a mnemonic file hold nothing else', () => {
  expect(signerFromSeed(` ${ALICE.secretSeed}\n`, 'seed').hotkey).toBe(ALICE.ss58Address);
  expect(signerFromMnemonic(`${PHRASE}\n`, 'words').hotkey).toBe(OF_PHRASE);
  expect(() => signerFromSeed(PHRASE, 'seed')).toThrow('64 hex digits');
  expect(() => signerFromMnemonic(ALICE.secretSeed, 'words')).toThrow('12 to 24 words');
});

test('no text makes it throw anything but key.invalid', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      let fault = 'key.invalid';
      try {
        read(text);
      } catch (error) {
        fault = String(error);
      }
      expect(fault).toContain('key.invalid');
    }),
  );
});

const FIXTURE = '../shared/fixtures/vectors/keys.json';
const Fixture = z.object({
  keyfile_modern: z.record(z.string(), z.string().nullable()),
  polkadotjs_secretKey: z.string(),
  signatures: z.object({
    message: z.string(),
    raw_bytes: z.string(),
    over_Bytes_wrapped: z.string(),
  }),
  dev_mini_secret_of_phrase: z.object({ phrase: z.string(), miniSecret: z.string() }),
});

describe.skipIf(!existsSync(FIXTURE))(`the vectors of ${FIXTURE}`, () => {
  const vectors = () => Fixture.parse(JSON.parse(readFileSync(FIXTURE, 'utf8')));
  const bytes = (text: string | null | undefined) => Buffer.from(text?.slice(2) ?? '', 'hex');

  test('the key file is //Alice, by each of its secrets and both forms of its private key', () => {
    const { keyfile_modern: file, polkadotjs_secretKey: expanded } = vectors();
    expect(read(file).hotkey).toBe(file['ss58Address']);
    expect(read({ ...file, secretSeed: null }).hotkey).toBe(file['ss58Address']);
    expect(read({ ...file, secretSeed: null, privateKey: expanded }).hotkey).toBe(
      file['ss58Address'],
    );
    expect(Buffer.from(pairFromPrivateKey(bytes(file['privateKey']))?.secretKey ?? [])).toEqual(
      bytes(expanded),
    );
  });

  test('the phrase gives the mini secret', () => {
    const { phrase, miniSecret } = vectors().dev_mini_secret_of_phrase;
    expect(signerFromMnemonic(phrase, 'words').hotkey).toBe(
      signerFromSeed(miniSecret, 'seed').hotkey,
    );
  });

  test('the raw signature verifies, the wrapped one does not', () => {
    const { keyfile_modern: file, signatures } = vectors();
    const verify = (signature: string) =>
      verifySr25519(Buffer.from(signatures.message), signature.slice(2), file['ss58Address'] ?? '');
    expect(verify(signatures.raw_bytes)).toBe(true);
    expect(verify(signatures.over_Bytes_wrapped)).toBe(false);
  });
});
