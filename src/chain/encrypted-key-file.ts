import { argon2 } from 'node:crypto';
import { promisify } from 'node:util';
import { naclDecrypt } from '@polkadot/util-crypto/cjs/nacl/index';
import { AppError } from '../errors.ts';
import { readSecretFile } from './secret-file.ts';

/**
 * The plain bytes of a wallet's key file. One that Bittensor's tools encrypted with `$NACL` is opened with the
 * password in `passwordFile`, which takes 512 MiB and some seconds. Throws `key.invalid` for a wrong password, a
 * missing one, and the older kinds of encryption.
 */
export async function openKeyFile(
  bytes: Buffer,
  { file, passwordFile }: { file: string; passwordFile: string | null },
): Promise<Buffer> {
  const kind = Object.keys(KINDS).find((prefix) =>
    bytes.subarray(0, prefix.length).equals(Buffer.from(prefix)),
  );
  if (kind === undefined) return bytes;
  if (kind !== NACL || passwordFile === null)
    throw new AppError('key.invalid', {
      file,
      value: `encrypted (${KINDS[kind]})`,
      expected: 'a plain key file, or one of the kind $NACL and a file with its password',
      next: "decrypt it with Bittensor's wallet library: Keyfile(path).decrypt()",
    });
  const plain = decryptKeyFile(bytes, await deriveKey(await readPassword(passwordFile)));
  if (plain === null)
    throw new AppError('key.invalid', {
      file,
      expected: `encrypted with the password of ${passwordFile}`,
    });
  return plain;
}

/** The plain bytes of a `$NACL` file; null when `key` is not the one, or a byte was changed. */
export function decryptKeyFile(bytes: Buffer, key: Uint8Array): Buffer | null {
  const sealed = bytes.subarray(NACL.length);
  // The library throws for a nonce that is cut off.
  if (sealed.length < NONCE_BYTES) return null;
  const plain = naclDecrypt(sealed.subarray(NONCE_BYTES), sealed.subarray(0, NONCE_BYTES), key);
  return plain === null ? null : Buffer.from(plain);
}

const NACL = '$NACL';
/** How encrypted files begin, and what it is that they hold. */
const KINDS: Readonly<Record<string, string>> = {
  [NACL]: 'XSalsa20-Poly1305',
  $ANSIBLE_VAULT: 'Ansible vault',
  gAAAAA: 'Fernet',
};
const NONCE_BYTES = 24;

/** Argon2i with libsodium's "sensitive" limits and the salt that Bittensor's wallets share. */
const KDF = {
  nonce: Buffer.from('137183dff15a09bc9c90b5518739e9b1', 'hex'),
  parallelism: 1,
  tagLength: 32,
  memory: 524_288, // KiB
  passes: 8,
};

function deriveKey(password: Buffer): Promise<Buffer> {
  return promisify(argon2)('argon2i', { ...KDF, message: password });
}

/** A text editor ends the file with a line feed that is no part of the password. */
async function readPassword(path: string): Promise<Buffer> {
  const password = await readSecretFile(path);
  return Buffer.from(password.toString('utf8').replace(/\r?\n$/, ''));
}
