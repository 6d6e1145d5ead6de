import { mnemonicToMiniSecret, mnemonicValidate } from '@polkadot/util-crypto/cjs/mnemonic/index';
import { z } from 'zod';
import type { Signer } from '../consensus/keys.ts';
import { AppError } from '../errors.ts';
import { type KeyPair, pairFromSeed, publicKeyOf, signerOf } from './hotkey.ts';
import { pairFromPrivateKey, privateKeyOf } from './private-key.ts';

/**
 * The signer of a Bittensor key file's text: JSON as its tools write it, or as short as a hex seed or a
 * mnemonic. Of several secrets the phrase is taken before the seed and the seed before the private key, as
 * those tools do. The public key and the address that the file states must be the secret's. Throws
 * `key.invalid` with `file` and the field; no secret is in any message.
 */
export function signerFromKeyFile(text: string, file: string): Signer {
  const content = text.trim();
  if (!content.startsWith('{')) return signerOf(pairFromShortForm(content, file));
  const fields = fieldsOf(content, file);
  const scheme = schemeOf(fields);
  if (scheme !== null)
    throw invalid(
      file,
      'cryptoType',
      'sr25519: hotkeys of this subnet are of no other kind',
      scheme,
    );
  const pair = pairOf(fields, file);
  const signer = signerOf(pair);
  checkStated(fields, { publicKey: hex(pair.publicKey), hotkey: signer.hotkey }, file);
  return signer;
}

/** The signer of a file that holds a mnemonic alone. Throws `key.invalid`. */
export function signerFromMnemonic(text: string, file: string): Signer {
  return signerOf(pairFromMnemonic(text, file));
}

/** The signer of a file that holds a seed alone, 64 hex digits. Throws `key.invalid`. */
export function signerFromSeed(text: string, file: string): Signer {
  return signerOf(pairFromHexSeed(text.trim(), file));
}

/** The text of a key file as Bittensor's tools write it for a mnemonic that is valid. */
export function formatKeyFile(mnemonic: string): string {
  const seed = mnemonicToMiniSecret(mnemonic);
  const pair = pairFromSeed(seed);
  const publicKey = `0x${hex(pair.publicKey)}`;
  return `${JSON.stringify({
    accountId: publicKey,
    publicKey,
    privateKey: `0x${hex(privateKeyOf(pair))}`,
    secretPhrase: mnemonic,
    secretSeed: `0x${hex(seed)}`,
    ss58Address: signerOf(pair).hotkey,
  })}\n`;
}

const Text = z.string().nullish();
const Scheme = z.union([z.string(), z.number()]).nullish();
const KeyFile = z.object({
  accountId: Text,
  publicKey: Text,
  privateKey: Text,
  secretPhrase: Text,
  secretSeed: Text,
  ss58Address: Text,
  /** Very old files have this name. */
  ' ss58Address': Text,
  cryptoType: Scheme,
  accountType: Scheme,
  signingScheme: Scheme,
});
type KeyFile = z.infer<typeof KeyFile>;

/** What a parser says of a file may quote it, so neither its message nor its error is passed on. */
function fieldsOf(content: string, file: string): KeyFile {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    throw invalid(file, 'file', 'JSON, a hex seed or a mnemonic');
  }
  const parsed = KeyFile.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(file, String(parsed.error.issues[0]?.path[0] ?? 'file'), 'a text or null');
}

/** The scheme that a file states other than sr25519, which is the default; Bittensor's number for it is 1. */
function schemeOf({ cryptoType, accountType, signingScheme }: KeyFile): string | null {
  const stated = [cryptoType, accountType, signingScheme].map((scheme) => String(scheme ?? 1));
  return stated.find((scheme) => scheme !== '1' && scheme.toLowerCase() !== 'sr25519') ?? null;
}

function pairOf({ secretPhrase, secretSeed, privateKey }: KeyFile, file: string): KeyPair {
  if (secretPhrase) return pairFromMnemonic(secretPhrase, file);
  if (secretSeed) return pairFromHexSeed(secretSeed, file);
  if (!privateKey)
    throw invalid(
      file,
      'secretPhrase, secretSeed, privateKey',
      'one of them: this file holds a public key alone, which signs nothing',
    );
  const pair = /^(0x)?[0-9a-f]{128}$/i.test(privateKey)
    ? pairFromPrivateKey(Buffer.from(privateKey.replace(/^0x/i, ''), 'hex'))
    : null;
  if (pair === null) throw invalid(file, 'privateKey', 'an sr25519 private key, 128 hex digits');
  return pair;
}

function pairFromShortForm(content: string, file: string): KeyPair {
  if (publicKeyOf(content) !== undefined)
    throw invalid(file, 'file', 'a secret: this file holds an address alone, which signs nothing');
  return /\s/.test(content) ? pairFromMnemonic(content, file) : pairFromHexSeed(content, file);
}

function pairFromMnemonic(text: string, file: string): KeyPair {
  const phrase = text.trim().split(/\s+/).join(' ');
  if (!mnemonicValidate(phrase))
    throw invalid(file, 'mnemonic', '12 to 24 words of the English BIP-39 list, with its checksum');
  return pairFromSeed(mnemonicToMiniSecret(phrase));
}

function pairFromHexSeed(text: string, file: string): KeyPair {
  if (!/^(0x)?[0-9a-f]{64}$/i.test(text)) throw invalid(file, 'seed', '64 hex digits');
  return pairFromSeed(Buffer.from(text.replace(/^0x/i, ''), 'hex'));
}

/** A file whose parts belong to two keys was damaged or put together by hand; either half may be the wrong one. */
function checkStated(
  fields: KeyFile,
  derived: { publicKey: string; hotkey: string },
  file: string,
): void {
  for (const name of ['publicKey', 'accountId'] as const) {
    const stated = fields[name]?.replace(/^0x/i, '').toLowerCase();
    if (stated && stated !== derived.publicKey)
      throw invalid(file, name, `0x${derived.publicKey}, which its secret gives`, `0x${stated}`);
  }
  const address = fields.ss58Address ?? fields[' ss58Address'];
  if (address && address !== derived.hotkey)
    throw invalid(file, 'ss58Address', `${derived.hotkey}, which its secret gives`, address);
}

function invalid(file: string, field: string, expected: string, value?: string): AppError {
  return new AppError('key.invalid', {
    file,
    field,
    ...(value === undefined ? {} : { value }),
    expected,
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
