import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { naclEncrypt } from '@polkadot/util-crypto/cjs/nacl/index';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decryptKeyFile } from '#src/chain/encrypted-key-file.ts';
import { createHotkey } from '#src/chain/new-hotkey.ts';
import { type HotkeySource, loadHotkey } from '#src/chain/wallet.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const SEED = 'e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a';
const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
/** The derivation takes 4 s of a quiet machine, and this is for a busy one. */
const DERIVATION_TIMEOUT_MS = 120_000;

const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';

let dir: string;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  dir = cleanup.use(await scratchDirectory()).path;
  await mkdir(join(dir, 'mine/hotkeys'), { recursive: true });
});
afterAll(() => cleanup.disposeAsync());

/** Writes a file of its own and gives its path. */
async function file(name: string, content: string | Buffer, mode = 0o600): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

const wallet = (hotkey: string, passwordFile?: string): HotkeySource => ({
  kind: 'wallet',
  base: dir,
  wallet: 'mine',
  hotkey,
  passwordFile,
});

describe('loadHotkey', () => {
  test('reads a seed file, a mnemonic file and a hotkey of a wallet', async () => {
    const path = await file('seed', `${SEED}\n`);
    const words = await file('words', PHRASE, 0o400);
    await file('mine/hotkeys/default', JSON.stringify({ secretSeed: `0x${SEED}` }));
    expect((await loadHotkey({ kind: 'seed-file', path })).hotkey).toBe(ALICE);
    expect((await loadHotkey({ kind: 'mnemonic-file', path: words })).hotkey).not.toBe(ALICE);
    expect((await loadHotkey(wallet('default'))).hotkey).toBe(ALICE);
  });

  test('reads a file that is a link, as secrets are mounted', async () => {
    const path = join(dir, 'link');
    await symlink(await file('target', SEED), path);
    expect((await loadHotkey({ kind: 'seed-file', path })).hotkey).toBe(ALICE);
  });

  test.each([0o640, 0o604, 0o610, 0o666])(
    'refuses a file of mode %o, and says what to do',
    async (mode) => {
      const path = await file(`open-${mode}`, SEED, mode);
      await expect(loadHotkey({ kind: 'seed-file', path })).rejects.toThrow(
        `value: mode ${mode.toString(8)}, expected: readable by its owner only, next: chmod 600`,
      );
    },
  );

  test('refuses what is no file, is not there, or is far too long', async () => {
    const long = await file('long', 'a'.repeat(16_385));
    for (const [path, message] of [
      [dir, 'expected: a regular file'],
      [join(dir, 'nowhere'), 'expected: a readable file'],
      [long, 'value: 16385 bytes'],
    ] as const)
      await expect(loadHotkey({ kind: 'seed-file', path })).rejects.toThrow(message);
  });

  test.each(['../default', 'a/b', '.', '..', '', 'a\0'])(
    'refuses %j as the name of a hotkey: it leads elsewhere',
    async (hotkey) => {
      await expect(loadHotkey(wallet(hotkey))).rejects.toThrow('input.invalid: field: hotkey');
    },
  );
});

describe('an encrypted key file', () => {
  /** What the wallets' derivation gives for `password`. */
  const key = Buffer.from(
    'e0f0a46eb9cef9668809f83188345c0af9c9514a18a407709e1f34dd677a7363',
    'hex',
  );
  const sealed = () => {
    const plain = Buffer.from(JSON.stringify({ secretSeed: SEED, ss58Address: ALICE }));
    const { encrypted, nonce } = naclEncrypt(plain, key, Buffer.alloc(24, 5));
    return Buffer.concat([Buffer.from('$NACL'), nonce, encrypted]);
  };

  test('opens with its password', { timeout: DERIVATION_TIMEOUT_MS }, async () => {
    await file('mine/hotkeys/sealed', sealed());
    const password = await file('password', 'password\n');
    expect((await loadHotkey(wallet('sealed', password))).hotkey).toBe(ALICE);
  });

  test('does not open with another key, when a byte of it is wrong, or when it ends early', () => {
    expect(decryptKeyFile(sealed(), key)?.toString()).toContain(ALICE);
    expect(decryptKeyFile(sealed(), Buffer.alloc(32, 1))).toBeNull();
    for (let at = '$NACL'.length; at < sealed().length; at++) {
      const damaged = sealed();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(decryptKeyFile(damaged, key), `byte ${at}`).toBeNull();
    }
    for (let length = 0; length < sealed().length; length++)
      expect(decryptKeyFile(sealed().subarray(0, length), key)).toBeNull();
  });

  test.each([
    ['$NACL', 'XSalsa20-Poly1305'],
    ['$ANSIBLE_VAULT;1.1;AES256', 'Ansible vault'],
    ['gAAAAABf', 'Fernet'],
  ])('of the kind %s is refused without its password, with what to do', async (start, kind) => {
    await file('mine/hotkeys/other', `${start}\n00`);
    await expect(loadHotkey(wallet('other'))).rejects.toThrow(
      new RegExp(`value: encrypted \\(${kind}\\).*next: decrypt it`),
    );
  });
});

describe('createHotkey', () => {
  test.each<[string, () => HotkeySource]>([
    ['seed file', () => ({ kind: 'seed-file', path: join(dir, 'new/seed') })],
    ['mnemonic file', () => ({ kind: 'mnemonic-file', path: join(dir, 'new/words') })],
    ['wallet', () => ({ ...wallet('first'), base: join(dir, 'new') })],
  ])('writes a %s that only its owner reads, and never overwrites it', async (_kind, source) => {
    const { signer, file: path } = await createHotkey(source());
    expect(path.startsWith(join(dir, 'new/'))).toBe(true);
    // Reading refuses any other mode.
    expect((await loadHotkey(source())).hotkey).toBe(signer.hotkey);
    await expect(createHotkey(source())).rejects.toThrow('a key is never overwritten');
    expect((await loadHotkey(source())).hotkey).toBe(signer.hotkey);
  });

  test('makes another hotkey each time', async () => {
    const made = ['one', 'two'].map((name) => createHotkey(wallet(name)));
    const [one, two] = await Promise.all(made);
    expect(one?.signer.hotkey).not.toBe(two?.signer.hotkey);
  });
});
